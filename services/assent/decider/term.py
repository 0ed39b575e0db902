"""Where a writer starts from."""

import hashlib

import msgspec

from assent_contracts.acceptance import Accepted, Head
from assent_contracts.heads import NOTHING
from assent_contracts.ledger import LedgerRecord, OmittedCommand, RecordedCommand, decode_recorded_command


class Decided(msgspec.Struct, kw_only=True):
    """The last command that a ledger has decided."""

    seq: int = -1
    """Of its record; -1 for none."""
    sha256: str | None = None
    """Of the command's bytes, hex; None where the ledger does not say, or says that it no longer counts."""


class Term(msgspec.Struct, kw_only=True):
    """One writer's term over one partition, as it begins."""

    head: Head
    """The accepted head; its next_offset is the end of the ledger partition."""
    head_end: int
    """The offset after the head's record: others that were never accepted may stand behind it."""
    epoch: int
    next_input: int
    """The offset of the first command that is not decided yet."""
    at: int = 0
    """Log time of the head's record, ms."""
    decided: Decided = msgspec.field(default_factory=Decided)
    known_sha256: str = NOTHING
    """Of the record at the seq that is known from elsewhere, hex."""


def decided_by(record: LedgerRecord) -> Decided:
    """What a record says of the command that it decides."""
    match decode_recorded_command(record):
        case RecordedCommand(value=value):
            sha256 = hashlib.sha256(value).hexdigest()
        case OmittedCommand(sha256=said):
            sha256 = said
        case None:
            sha256 = None
    return Decided(seq=record.seq, sha256=sha256)


class Reading(msgspec.Struct):
    """What a takeover notes of the records that it reads."""

    known_seq: int = -1
    """The seq that is known from elsewhere; -1 for none."""
    known_sha256: str = NOTHING
    last: LedgerRecord | None = None
    """The last record that decided a command."""

    def note(self, accepted: Accepted) -> None:
        """Take note of the next accepted record."""
        if accepted.record.seq == self.known_seq:
            self.known_sha256 = accepted.value_sha256
        if isinstance(accepted.record.input, int):
            self.last = accepted.record

    def say(self, term: Term) -> None:
        """Put down in the term what was noted."""
        term.known_sha256 = self.known_sha256
        if self.last is not None:
            term.decided = decided_by(self.last)
