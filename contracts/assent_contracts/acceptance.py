"""The acceptance rule: which records of a ledger partition count. Pure, the same for every reader.

A reader knows the accepted head and holds at most one open run of records that chain to it. A sealed record
that fits accepts the run. Records that never become part of an accepted run are quarantined. The first in log
order wins, so a paused writer, a late retry or a forgery needs no fencing: every reader drops its records.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from assent_contracts import limits, seal
from assent_contracts.digests import from_base64url
from assent_contracts.eras import FIRST_ERA, era_at, knows, loss_before
from assent_contracts.ledger import GENESIS_PREV, LedgerRecord, decode_governance_events, decode_record
from assent_contracts.signing import SIGNATURE_BYTES
from assent_contracts.topics import LedgerName
from assent_contracts.writer_registry import WriterKeys, WriterRegistry, governance_sealer

VerifySeal = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> whether an Ed25519 library finds the signature good."""

Headers = Sequence[tuple[str, bytes | None]]


class Head(msgspec.Struct, frozen=True, gc=False):
    """The end of an accepted chain, with enough to continue from there."""

    seq: int
    value_sha256: str
    governance: int = -1
    next_offset: int = 0


def first_head(ledger: LedgerName, identity: str) -> Head:
    """The head of a partition before any record is accepted, in the log with this identity (hex).

    Record 0 of a request partition chains to the identity, so that partitions of two logs never mix.
    """
    return Head(-1, identity if ledger == "ledger" else GENESIS_PREV)


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """One accepted record, with its offset and its hash."""

    offset: int
    record: LedgerRecord
    value: bytes
    value_sha256: str
    headers: Headers = ()
    """As received. Neither the chain nor the seal covers them, so nothing may be decided by them."""


class Acceptance:
    """One reader's view of one ledger partition.

    `offer` takes the partition's records in offset order. The caller has already consumed the governance
    ledger at least as far as it went when the record was read.
    """

    def __init__(
        self,
        ledger: LedgerName,
        partition: int,
        *,
        identity: str,
        writers: WriterKeys,
        verify: VerifySeal,
        head: Head | None = None,
    ) -> None:
        """`identity`: the log's, which is the SHA-256 (hex) of governance record 0."""
        self.ledger: Final[LedgerName] = ledger
        self.partition: Final = partition
        self.head = head or first_head(ledger, identity)
        self.quarantined = 0
        self.first_quarantined: int | None = None
        """The offset of the first record that was dropped."""
        self.last_quarantined: int | None = None
        """The offset of the last one."""
        self._writers = writers
        self._verify = verify
        self.identity: Final = identity
        self._is_governance = ledger == "governance"
        self._run: list[Accepted] = []
        self._run_bytes = 0

    def head_at(self, next_offset: int) -> Head:
        """The accepted head, with `next_offset` advanced to the offset up to which the caller has read."""
        return msgspec.structs.replace(self.head, next_offset=next_offset)

    def era_at(self, seq: int) -> str:
        """The era in which the record `seq` is sealed, as far as governance has been consumed."""
        return FIRST_ERA if self._is_governance else era_at(self.partition, seq, self._writers.losses)

    def offer(self, offset: int, value: bytes | None, headers: Headers) -> Sequence[Accepted]:
        """Take the record at `offset`. Returns the run that it made accepted, which is usually empty."""
        if value is None or len(value) > limits.RECORD_MAX_BYTES:
            return self._end_run(offset, dropped=1)
        try:
            record = decode_record(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._end_run(offset, dropped=1)
        candidate = Accepted(offset, record, value, hashlib.sha256(value).hexdigest(), headers)
        run = self._run
        if run and self._follows_run(candidate, run[-1]):
            run.append(candidate)
            self._run_bytes += len(value)
        elif self._follows_head(candidate):
            self._end_run(offset, dropped=0)
            self._run = run = [candidate]
            self._run_bytes = len(value)
        else:
            return self._end_run(offset, dropped=1)
        if headers and self._is_sealed(candidate, headers):
            return self._accept_run(offset)
        if len(run) > limits.RUN_MAX_RECORDS or self._run_bytes > limits.RUN_MAX_BYTES:
            return self._end_run(offset, dropped=0)
        return ()

    def _follows_run(self, candidate: Accepted, last: Accepted) -> bool:
        record, before = candidate.record, last.record
        return (
            candidate.offset == last.offset + 1
            and record.prev == last.value_sha256
            and record.seq == before.seq + 1
            and _governance_seq(record) >= _governance_seq(before)
        )

    def _follows_head(self, candidate: Accepted) -> bool:
        record, head = candidate.record, self.head
        return (
            record.prev == head.value_sha256
            and record.seq == head.seq + 1
            and _governance_seq(record) >= head.governance
            and (record.seq > 0 or not self._is_governance or candidate.value_sha256 == self.identity)
        )

    def _is_sealed(self, candidate: Accepted, headers: Headers) -> bool:
        writer = signature = None
        for name, content in headers:
            if name == seal.WRITER_HEADER:
                writer = content
            elif name == seal.SEAL_HEADER:
                signature = content
        if writer is None or signature is None:
            return False
        try:
            key_id, signed = writer.decode(), from_base64url(signature.decode())
        except ValueError:
            return False
        if len(signed) != SIGNATURE_BYTES:
            return False
        public_key = self._writer_key(key_id, candidate.record)
        if public_key is None:
            return False
        digest = bytes.fromhex(candidate.value_sha256)
        seq = candidate.record.seq
        era = self.era_at(seq)
        message = seal.seal_message(self.identity, self.ledger, self.partition, seq, digest, era)
        return self._verify(public_key, message, signed)

    def _writer_key(self, key_id: str, record: LedgerRecord) -> bytes | None:
        if not self._is_governance:
            if not self._knows_its_era():
                return None
            return self._writers.public_key(key_id, _governance_seq(record))
        run = [accepted.record for accepted in self._run]
        if self.head.seq >= 0:
            return governance_sealer(self._writers, key_id, self.head.seq, run)
        # The run begins with record 0, whose hash is the identity. That record lists its own writers.
        founding = WriterRegistry()
        founding.apply(0, decode_governance_events(run[0]))
        return governance_sealer(founding, key_id, 0, run)

    def _knows_its_era(self) -> bool:
        """Whether the run was decided under a governance that has the loss with which its era began.

        Every writer that seals in an era knows that loss. Without this check, a key that was retired before
        the loss would count again if the ledger was restored to a state before the record of its retirement.
        """
        first = self._run[0].record
        loss = loss_before(self.partition, first.seq, self._writers.losses)
        return loss is None or knows(loss, _governance_seq(first))

    def _accept_run(self, offset: int) -> Sequence[Accepted]:
        run, self._run, self._run_bytes = self._run, [], 0
        last = run[-1]
        self.head = Head(last.record.seq, last.value_sha256, _governance_seq(last.record), offset + 1)
        return run

    def _end_run(self, offset: int, *, dropped: int) -> Sequence[Accepted]:
        first = self._run[0].offset if self._run else offset
        if dropped or self._run:
            self.last_quarantined = offset if dropped else self._run[-1].offset
        dropped += len(self._run)
        if dropped and self.first_quarantined is None:
            self.first_quarantined = first
        self.quarantined += dropped
        self._run, self._run_bytes = [], 0
        return ()


def _governance_seq(record: LedgerRecord) -> int:
    return -1 if record.governance is UNSET else record.governance
