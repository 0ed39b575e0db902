"""The refusals of a ledger's commands that may arrive again: a copy gets the first answer."""

import msgspec

from assent_contracts.core.retention import RetentionQueue
from assent_contracts.core.sender import TAKES_NO_ID
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command, decode_refusal
from assent_contracts.limits import COMMAND_MEMORY_MS
from assent_contracts.refusals import Refusal


class _Refused(msgspec.Struct, frozen=True, gc=False):
    seq: int
    until: int
    """Log time (ms) until which a copy may arrive."""


class RefusedCommands:
    """The refusals by seq, bounded like a writer's memory.

    Commands of unknown senders take no id, so their refusals are never needed again.
    """

    def __init__(self) -> None:
        self._at = 0
        self._by_seq: dict[int, Refusal] = {}
        self._in_order: RetentionQueue[_Refused] = RetentionQueue()

    def __len__(self) -> int:
        """How many refusals are kept."""
        return len(self._by_seq)

    def of(self, seq: int) -> Refusal | None:
        """The refusal at `seq`, as long as a copy of its command may arrive; None if it was not a refusal."""
        return self._by_seq.get(seq)

    def take(self, record: LedgerRecord) -> None:
        """Consume the next record, and forget what had expired before it, since it may itself be a copy."""
        for refused in self._in_order.let_go(self._at):
            del self._by_seq[refused.seq]
        self._at = record.at
        refusal = decode_refusal(record)
        if refusal is None or refusal.code in TAKES_NO_ID:
            return
        if isinstance(decode_recorded_command(record), RecordedCommand):
            self._by_seq[record.seq] = refusal
            self._in_order.add(_Refused(record.seq, record.at + COMMAND_MEMORY_MS))
