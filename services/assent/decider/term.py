"""What a takeover found apart from the writer's state: where the ledger ends, and its last decisions."""

import hashlib
from collections import deque
from typing import Final

import msgspec

from assent_contracts.acceptance import Acceptance, Accepted, Head
from assent_contracts.heads import NOTHING, KnownHead
from assent_contracts.ledger import LedgerRecord, OmittedCommand, RecordedCommand, decode_recorded_command

_RECEIVED_KEPT: Final = 64
_DECIDED_KEPT: Final = 64


class DecidedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that a ledger has decided."""

    seq: int = -1
    """The seq of its record; -1 for none."""
    input: int = -1
    """The command's offset."""
    sha256: str | None = None
    """The SHA-256 of the command's bytes, hex; None where the ledger does not contain it."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """Where one writer's term over one partition begins."""

    head: Head
    """The accepted head; its next_offset is the end of the ledger partition."""
    head_end: int
    """The offset after the head's record; records that were never accepted may follow it."""
    next_input: int
    """The offset of the first command that is not decided yet, according to the records."""
    decided: tuple[DecidedCommand, ...]
    """The latest decided commands, the last one at the end. Their offsets only ever rise."""
    received: tuple[int, ...]
    """When the latest decided commands were received, ms since 1970; the last one at the end."""
    known_sha256: str
    """The SHA-256 of the record at the seq that is known from elsewhere, hex."""

    @property
    def last(self) -> DecidedCommand:
        """The last command that the ledger has decided."""
        return self.decided[-1] if self.decided else DecidedCommand()

    def decided_at(self) -> dict[int, str]:
        """The hashes of the decided commands by their offsets, where the ledger contains them."""
        return {each.input: each.sha256 for each in self.decided if each.sha256 is not None}


class TermReading:
    """Collects a term from the records that a takeover reads."""

    def __init__(self, known: KnownHead | None, last: DecidedCommand | None = None) -> None:
        """`last`: the last command that was decided before what is noted, if reading does not begin at 0."""
        self._last = last
        self._known_seq = -1 if known is None else known.seq
        self._known_sha256 = NOTHING
        self._decided: deque[LedgerRecord] = deque(maxlen=_DECIDED_KEPT)
        self._next_input = 0 if last is None else last.input + 1
        self._received: deque[int] = deque(maxlen=_RECEIVED_KEPT)

    def note(self, accepted: Accepted) -> None:
        """Note the next accepted record."""
        if accepted.record.seq == self._known_seq:
            self._known_sha256 = accepted.value_sha256
        if isinstance(accepted.record.input, int):
            if accepted.record.input < self._next_input:
                # After an accepted loss: what was decided before it is no longer in the topic.
                self._decided.clear()
            self._decided.append(accepted.record)
            self._next_input = accepted.record.input + 1
        if isinstance(accepted.record.received, int):
            self._received.append(accepted.record.received)

    def term(self, acceptance: Acceptance, end: int) -> Term:
        """The term up to the offset `end`."""
        return Term(
            head=acceptance.head_at(end),
            head_end=acceptance.head.next_offset,
            next_input=self._next_input,
            decided=tuple(map(decided_by, self._decided)) or (() if self._last is None else (self._last,)),
            received=tuple(self._received),
            known_sha256=self._known_sha256,
        )


def decided_by(record: LedgerRecord) -> DecidedCommand:
    """The command that a record decides; `input` is -1 where it decides none."""
    match decode_recorded_command(record):
        case RecordedCommand(value=value):
            sha256 = hashlib.sha256(value).hexdigest()
        case OmittedCommand(sha256=said):
            sha256 = said
        case None:
            sha256 = None
    at = record.input if isinstance(record.input, int) else -1
    return DecidedCommand(seq=record.seq, input=at, sha256=sha256)
