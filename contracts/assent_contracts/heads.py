"""Signed heads: how far a ledger partition went, stored outside that partition.

A hash chain proves order, but not that nothing is missing at its end. So a writer signs the confirmed head of
each partition that it leads. A reader that finds less than a head that it knows reports this and stops. This
module is pure: what a head is, when it counts, and how it compares with what is found.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.acceptance import Head
from assent_contracts.codec import encode
from assent_contracts.commands import Digest
from assent_contracts.digests import DIGEST_PATTERN, from_base64url
from assent_contracts.eras import FIRST_ERA, accepted_end_of, era_of, is_given_up, is_void
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.signing import SIGNATURE_BYTES
from assent_contracts.topics import LEDGER_TOPICS, LedgerName

HEAD_MAX_BYTES: Final = 1_024
_PREFIX: Final = b"assent.head.v1\0"

Place = tuple[LedgerName, int]
"""One partition of one ledger."""
VerifyHead = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> whether an Ed25519 library finds the signature good."""


class SignedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The confirmed head of one ledger partition, as its writer states it."""

    ledger: LedgerName
    partition: Annotated[int, Meta(ge=0, lt=limits.PARTITIONS_MAX)]
    seq: Annotated[int, Meta(ge=0, description="Of the last acknowledged and accepted record.")]
    sha256: Annotated[Digest, Meta(pattern=f"^{DIGEST_PATTERN}$", description="Of that record's value.")]
    next_offset: Annotated[int, Meta(ge=1, description="The ledger offset after that record.")]
    next_input: Annotated[int, Meta(ge=0, description="The offset of the first undecided command.")]
    at: Annotated[int, Meta(ge=0, description="Log time of that record: milliseconds since 1970 in UTC.")]
    epoch: Annotated[int, Meta(ge=0, description="The writer's term.")]
    era: Annotated[str, Meta(description="The id of the last accepted loss; empty before the first.")] = (
        FIRST_ERA
    )


class KnownHead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a process knows of one ledger partition from any source, to compare with what it finds."""

    ledger: LedgerName
    partition: int
    seq: int
    """-1 while nothing is known."""
    sha256: str
    """Of record `seq`'s value, hex."""
    next_offset: int
    """The offset after that record."""


class HeadInEra(msgspec.Struct, frozen=True, gc=False):
    """How far a ledger partition was read and accepted, and in which era of the log.

    The era is that of the reading. A loss that was accepted since may have given up this head.
    """

    head: Head
    era: str = FIRST_ERA


class KeptHead(msgspec.Struct, frozen=True):
    """A head as it was signed, for storage outside Kafka."""

    value: str
    """The signed bytes, which are JSON."""
    writer: str
    seal: str

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The headers, as they are on the topic."""
        return [(WRITER_HEADER, self.writer.encode()), (SEAL_HEADER, self.seal.encode())]


class Found(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a process finds of a partition."""

    beginning: int
    """The partition's first offset."""
    end: int
    """The offset after its last record."""
    sha256: str | None = None
    """SHA-256 (hex) of the record at the known `next_offset` - 1, or of the accepted record `seq`.

    NOTHING if there is no such record; None if it was not read.
    """


NOTHING: Final = ""
"""Instead of a hash: there is no such record."""

FindingKind = Literal[
    "cut",
    "other-history",
    "given-up",
    "beginning-gone",
    "two-histories",
    "input-deleted",
    "input-cut",
    "input-other",
    "partitions",
    "forgets",
    "dated-by-senders",
    "no-topic",
]


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something in a log is missing or different from before. The process that finds it stops there."""

    kind: FindingKind
    topic: str
    partition: int | None
    """None if the finding is about the whole topic."""
    known: int
    """The offset up to which it was known. For two histories their seq, for a topic its partitions."""
    found: int
    """What is there instead."""
    why: str
    """A sentence that names the partition and both positions."""
    todo: str
    """What to do about it."""

    @property
    def place(self) -> str:
        """`assent.ledger/3`, or `assent.ledger`."""
        return self.topic if self.partition is None else f"{self.topic}/{self.partition}"


PUT_BACK: Final = (
    "Restore the newest copy of Kafka's data: everything then continues by itself. If there is none, accept"
    " the loss with the recovery key (`assent restore accept`): docs/how-to/restore.md explains what that"
    " gives up."
)


def topic_key(ledger: LedgerName, partition: int) -> bytes:
    """The Kafka key of a partition's heads: `ledger/3`."""
    return f"{ledger}/{partition}".encode()


def head_message(identity: str, value: bytes) -> bytes:
    """The bytes that a writer signs for a head with this value, in the log with this identity (hex)."""
    return _PREFIX + bytes.fromhex(identity) + hashlib.sha256(value).digest()


def encode_head(head: SignedHead) -> bytes:
    """The value to sign and write."""
    return encode(head)


_decode = msgspec.json.Decoder(SignedHead).decode


def decode_head(value: bytes | None) -> SignedHead | None:
    """The head in a value; None if it is not one. It does not count before `verify_head`."""
    if value is None or len(value) > HEAD_MAX_BYTES:
        return None
    try:
        return _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


Verdict = Literal["good", "unknown-writer", "bad"]


def verify_head(
    identity: str,
    value: bytes,
    headers: Sequence[tuple[str, bytes]],
    writers: Mapping[str, bytes],
    verify: VerifyHead,
) -> Verdict:
    """Whether a writer has signed `value` as a head of the log with this identity (hex).

    `writers`: the keys that governance lists now, by id. A head with the verdict `unknown-writer` is not
    trusted, but may be good once governance has been read further. A reader that has read all of governance
    drops it. A retired key signs no heads.
    """
    if len(value) > HEAD_MAX_BYTES:
        return "bad"
    return verdict_on(head_message(identity, value), headers, writers, verify)


def verdict_on(
    message: bytes,
    headers: Sequence[tuple[str, bytes]],
    writers: Mapping[str, bytes],
    verify: VerifyHead,
) -> Verdict:
    """Whether the writer that the headers name has signed this message. `writers`: their keys, by id."""
    named = dict(headers)
    try:
        key_id, signature = named[WRITER_HEADER].decode(), from_base64url(named[SEAL_HEADER].decode())
    except (KeyError, ValueError, AttributeError):
        return "bad"
    if len(signature) != SIGNATURE_BYTES:
        return "bad"
    public_key = writers.get(key_id)
    if public_key is None:
        return "unknown-writer"
    return "good" if verify(public_key, message, signature) else "bad"


def known_from(head: SignedHead | LedgerEnd) -> KnownHead:
    """What is known from a head, or from the end that was accepted with a loss."""
    return KnownHead(
        ledger=head.ledger,
        partition=head.partition,
        seq=head.seq,
        sha256=head.sha256,
        next_offset=head.next_offset,
    )


def known_of(ledger: LedgerName, partition: int, head: Head) -> KnownHead:
    """What is known from an accepted head."""
    return KnownHead(
        ledger=ledger,
        partition=partition,
        seq=head.seq,
        sha256=head.value_sha256,
        next_offset=head.next_offset,
    )


def has_read_given_up(
    ledger: LedgerName, partition: int, read: HeadInEra, losses: Sequence[Loss]
) -> Finding | None:
    """The finding that a reader used records that were given up since it read them; None if it did not.

    `losses`: all that governance has accepted, in order.
    """
    known = read.head
    if not is_given_up(ledger, partition, known.seq, read.era, losses):
        return None
    topic, end = LEDGER_TOPICS[ledger], accepted_end_of(losses[-1], ledger, partition)
    found = 0 if end is None else end.next_offset
    return Finding(
        kind="given-up",
        topic=topic,
        partition=partition,
        known=known.next_offset,
        found=found,
        why=(
            f"{topic}/{partition} was known up to offset {known.next_offset:,} (seq {known.seq:,}), and"
            f" a loss was accepted: it continues after offset {found:,} and what came after that is given up."
        ),
        todo="Empty the tables that were made from it (`assent restore rebuild`) and restart this service.",
    )


def nothing_known(ledger: LedgerName, partition: int) -> KnownHead:
    """The known head of a partition of which nothing is known. It must still begin at offset 0."""
    return KnownHead(ledger=ledger, partition=partition, seq=-1, sha256="", next_offset=0)


def compare(known: KnownHead, found: Found) -> Finding | None:
    """Compare what is known of a ledger partition with what is there; None if nothing is missing.

    A ledger is kept forever from offset 0, so it can only have grown.
    """
    topic = LEDGER_TOPICS[known.ledger]
    place = f"{topic}/{known.partition}"
    if found.end < known.next_offset:
        return Finding(
            kind="cut",
            topic=topic,
            partition=known.partition,
            known=known.next_offset,
            found=found.end,
            why=(
                f"{place} ends at offset {found.end:,} and was known up to offset {known.next_offset:,}"
                f" (seq {known.seq:,}): what was between is missing."
            ),
            todo=PUT_BACK,
        )
    if found.beginning > 0:
        return Finding(
            kind="beginning-gone",
            topic=topic,
            partition=known.partition,
            known=0,
            found=found.beginning,
            why=(
                f"{place} begins at offset {found.beginning:,} and not at 0 (known up to offset"
                f" {known.next_offset:,}): its first records were deleted, and the rest cannot be judged."
            ),
            todo=(
                "Restore a copy of Kafka's data that has them: nothing else brings them back. Check with"
                " `assent doctor` that nothing deletes from it. See docs/how-to/restore.md."
            ),
        )
    if known.seq >= 0 and found.sha256 is not None and found.sha256 != known.sha256:
        there = "there is no such record" if found.sha256 == NOTHING else "there is another record"
        return Finding(
            kind="other-history",
            topic=topic,
            partition=known.partition,
            known=known.next_offset,
            found=found.end,
            why=(
                f"{place} ends at offset {found.end:,}, and where seq {known.seq:,} was known, up to offset"
                f" {known.next_offset:,}, {there}: it is another history."
            ),
            todo=PUT_BACK,
        )
    return None


def remembered_after(
    remembered: Mapping[int, HeadInEra], losses: Sequence[Loss], ledger: LedgerName = "ledger"
) -> dict[int, HeadInEra]:
    """What a reader of a ledger's partitions still knows of them after these losses were accepted.

    As with signed heads, the end that the last accepted loss states for a partition replaces a void head.
    """
    still: dict[int, HeadInEra] = {}
    for partition, each in remembered.items():
        if not is_void(each.era, losses):
            still[partition] = each
        elif losses and (end := accepted_end_of(losses[-1], ledger, partition)) is not None:
            head = Head(end.seq, end.sha256, next_offset=end.next_offset)
            still[partition] = HeadInEra(head, era_of(losses))
    return still


def known_heads(heads: Sequence[SignedHead], losses: Sequence[Loss]) -> dict[Place, KnownHead]:
    """What is known of each partition of each ledger, from these heads and the last accepted loss.

    The newest head of an era is the one with the highest seq. A head of an era that governance does not know
    takes precedence over all others, because it comes from a governance ledger that was longer than this one.
    Two writers may have appended the same record, of which the first counts. So of two such heads the one
    with the lower `next_offset` is used, whatever their order.
    """
    known: dict[Place, tuple[tuple[bool, int, int], KnownHead]] = {}
    for end in losses[-1].ends if losses else ():
        known[end.ledger, end.partition] = ((False, end.seq, -end.next_offset), known_from(end))
    for head in heads:
        place: Place = (head.ledger, head.partition)
        age = (head.era != era_of(losses), head.seq, -head.next_offset)
        if not is_void(head.era, losses) and (place not in known or age > known[place][0]):
            known[place] = (age, known_from(head))
    return {place: each for place, (_, each) in known.items()}


def next_input(
    ledger: LedgerName, partition: int, losses: Sequence[Loss], *, read: int, decided: int, last: int
) -> int:
    """The offset of the first undecided command: `read`, from the records, unless a loss states another.

    `decided`: the seq of the last record that decided a command. `last`: the seq of the last record. Both are
    -1 if there is none. The offset of a loss applies until a record after it has decided a command. A ledger
    that ends before a loss's end has been restored to an earlier state since. There an earlier loss applies,
    if any.
    """
    for loss in reversed(losses):
        end = accepted_end_of(loss, ledger, partition)
        if end is not None and end.seq <= last:
            return read if decided > end.seq else end.next_input
    return read
