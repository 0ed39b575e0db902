"""The file of `--expect`: where the ledgers ended at some earlier time, kept away from the log.

`assent audit heads` and `assent audit export` write it. A head in it may be one that a writer has signed.
Then its signature is checked too, and the file's keeper need not be trusted.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from assent.verify.heads_elsewhere import HeadElsewhere
from assent_contracts.digests import DIGEST_PATTERN
from assent_contracts.heads import KnownHead, VerifyHead, decode_head, known_from, verify_head
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.topics import LedgerName
from assent_contracts.writer_registry import WriterRegistry

EXPECTED_MAX_BYTES: Final = 16 * 1024 * 1024
_Sha256 = Annotated[str, Meta(pattern=f"^{DIGEST_PATTERN}$")]
_Number = Annotated[int, Meta(ge=0, lt=1 << 53)]


class ExpectedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last record of one partition: the ledger must contain it."""

    ledger: LedgerName
    partition: _Number
    seq: _Number
    sha256: _Sha256


class SealedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A head as its writer wrote it to `assent.heads`: the exact text and its two headers."""

    value: str
    writer: str
    seal: str


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file of heads."""

    assent_heads: Literal[1] = 1
    identity: _Sha256
    heads: tuple[ExpectedHead, ...] = ()
    signed: tuple[SealedHead, ...] = ()


class ExpectError(Exception):
    """The expected heads cannot be used; the message explains why and what to do."""


def read_expected(path: Path, identity: str) -> Expected:
    """Read a file of heads of the log with this identity. Raises ExpectError, OSError."""
    with path.open("rb") as file:
        content = file.read(EXPECTED_MAX_BYTES + 1)
    if len(content) > EXPECTED_MAX_BYTES:
        raise ExpectError(f"{path} has more than {EXPECTED_MAX_BYTES:,} bytes: it is not a file of heads.")
    try:
        expected = msgspec.json.decode(content, type=Expected)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ExpectError(
            f"{path} is not a file of heads as `assent audit heads` writes it: {error}"
        ) from error
    if expected.identity != identity:
        raise ExpectError(f"{path} has the heads of the log {expected.identity}, not of {identity}.")
    return expected


def expected_known_heads(expected: Expected) -> list[HeadElsewhere]:
    """The heads to look for. Those that writers have signed count once `check_signed` has passed.

    Raises ExpectError.
    """
    plain = [
        KnownHead(
            ledger=head.ledger, partition=head.partition, seq=head.seq, sha256=head.sha256, next_offset=0
        )
        for head in expected.heads
    ]
    return [
        HeadElsewhere(source="the file of --expect", head=head)
        for head in (*plain, *map(_signed, expected.signed))
    ]


def _signed(sealed: SealedHead) -> KnownHead:
    head = decode_head(sealed.value.encode())
    if head is None:
        raise ExpectError(f"A signed head of --expect cannot be read: {sealed.value[:120]!r}.")
    return known_from(head)


def check_signed(expected: Expected, writers: WriterRegistry, verify: VerifyHead) -> None:
    """Make sure that writers of the log signed the signed heads. Raises ExpectError.

    `writers`: those of all of governance. What a writer signed before it was retired still counts.
    """
    for sealed in expected.signed:
        public_key = writers.ever_listed(sealed.writer)
        keys = {} if public_key is None else {sealed.writer: public_key}
        headers = ((WRITER_HEADER, sealed.writer.encode()), (SEAL_HEADER, sealed.seal.encode()))
        if verify_head(expected.identity, sealed.value.encode(), headers, keys, verify) != "good":
            raise ExpectError(
                f"No writer of this log has signed the head {sealed.value[:120]!r} of --expect"
                f" (it names {sealed.writer[:64]!r}). Get the file again from its keeper."
            )
