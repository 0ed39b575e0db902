"""Proof that a record is in a log, without reading the log from its start. Pure.

A proof is the record, the records after it up to the next sealed one, and that seal. Each record contains the
SHA-256 of the previous one. So the seal, which binds identity, ledger, partition and seq, covers the first
record too.

It proves that a writer has sealed this record at this place. Only the acceptance rule over the whole
partition can prove that no other run was first. A decision does not need that: it names the submission by its
hash, and is refused if that submission was not accepted.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from assent_contracts import limits, seal
from assent_contracts.acceptance import Acceptance, Accepted, Head, VerifySeal, first_head
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import LedgerRecord, decode_governance_events, decode_record
from assent_contracts.topics import LedgerName
from assent_contracts.writer_registry import WriterKeys, WriterRegistry


class SealedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A record, the records after it up to the next sealed one, and that seal as in its headers."""

    values: tuple[bytes, ...]
    writer: str
    seal: str


class NotProven(msgspec.Struct, frozen=True):
    """Why there is no proof, in a sentence for people."""

    why: str


class RecordPlace(msgspec.Struct, frozen=True):
    """Where a record must be, and in which log. The reader supplies the log's identity (hex)."""

    ledger: LedgerName
    partition: int
    seq: int
    identity: str


_UNREADABLE: Final = NotProven("It is not a ledger record.")
_UNSEALED: Final = NotProven("No writer of this log has sealed it at this place.")


def read_record(value: bytes | None) -> LedgerRecord | NotProven:
    """Decode a record's value from an untrusted source."""
    if value is None or len(value) > limits.RECORD_MAX_BYTES:
        return _UNREADABLE
    try:
        return decode_record(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _UNREADABLE


class Proof:
    """One proof while its records arrive. It runs the acceptance rule from just before the record."""

    def __init__(
        self, place: RecordPlace, first: LedgerRecord, writers: WriterKeys, verify: VerifySeal
    ) -> None:
        """`first`: the record that must be at this place. `take` receives it again, and those after it."""
        before = first_head(place.ledger, place.identity)
        if place.seq > 0:
            before = Head(place.seq - 1, first.prev)
        self._rule = Acceptance(
            place.ledger,
            place.partition,
            identity=place.identity,
            writers=writers,
            verify=verify,
            head=before,
        )
        self._next = 0

    def take(
        self, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> Sequence[Accepted] | NotProven:
        """Take the next record. Returns the run once it is sealed, and an empty one before."""
        run = self._rule.offer(self._next, value, headers)
        self._next += 1
        return _UNSEALED if self._rule.quarantined else run


def verify_run(
    run: SealedRun, place: RecordPlace, *, writers: WriterKeys, verify: VerifySeal
) -> Accepted | NotProven:
    """The record at `place`, if this run proves that it is there.

    `writers` must have consumed governance up to the seq that the record names.
    """
    first = read_record(run.values[0]) if run.values else _UNREADABLE
    if isinstance(first, NotProven):
        return first
    proof = Proof(place, first, writers, verify)
    headers = [(seal.WRITER_HEADER, run.writer.encode()), (seal.SEAL_HEADER, run.seal.encode())]
    last = len(run.values) - 1
    taken: Sequence[Accepted] | NotProven = ()
    for index, value in enumerate(run.values):
        taken = proof.take(value, headers if index == last else ())
        if isinstance(taken, NotProven):
            return taken
    # `take` numbered the records from 0, so the offsets have no meaning elsewhere.
    return taken[0] if taken else _UNSEALED


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the governance topic, for a reader without access to Kafka."""

    offset: int
    value: bytes | None
    writer: str = ""
    seal: str = ""


class GovernanceProof:
    """The governance ledger from an untrusted source, checked by the acceptance rule against the identity."""

    def __init__(self, identity: str, verify: VerifySeal) -> None:
        self.identity: Final = identity
        self.writers: Final = WriterRegistry()
        self.history: Final[list[tuple[GovernanceEvent, ...]]] = []
        """The events of each accepted seq."""
        self._rule = Acceptance("governance", 0, identity=identity, writers=self.writers, verify=verify)

    def take(self, entry: LedgerEntry) -> None:
        """Take the next record. A record that the rule does not accept changes nothing.

        Raises msgspec.MsgspecError for accepted events that this version does not know.
        """
        headers = (
            [(seal.WRITER_HEADER, entry.writer.encode()), (seal.SEAL_HEADER, entry.seal.encode())]
            if entry.seal
            else []
        )
        for accepted in self._rule.offer(entry.offset, entry.value, headers):
            events = decode_governance_events(accepted.record)
            self.writers.apply(accepted.record.seq, events)
            self.history.append(events)


def named_governance(record: LedgerRecord) -> int:
    """The governance seq that a record's decision used; -1 if the record names none."""
    return -1 if record.governance is UNSET else record.governance
