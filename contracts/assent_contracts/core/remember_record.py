"""Remember the command of an accepted record. The same for both ledgers."""

import hashlib

import msgspec
from msgspec import UNSET

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.sender import COPIES, OMITTED, TAKES_NO_ID
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command, decode_refusal


class _Sent(msgspec.Struct, gc=False):
    id: str
    principal: str
    at: int


_decode_sent = msgspec.json.Decoder(_Sent).decode


def remember_record(memory: CommandMemory, record: LedgerRecord) -> None:
    """Count the command in a record, and remember its id if the command used it up."""
    recorded = decode_recorded_command(record)
    if not isinstance(recorded, RecordedCommand):
        return
    refusal = decode_refusal(record)
    if refusal is not None and refusal.code in OMITTED:
        return
    sent = _decode_sent(recorded.value)
    is_known = memory.recall(sent.principal, sent.id) is not None
    if record.input is not UNSET:
        is_copy = is_known if refusal is None else refusal.code in COPIES
        memory.count(sent.principal, record.at, copy=is_copy)
    if refusal is not None and refusal.code in TAKES_NO_ID:
        return
    if not is_known:
        memory.remember(
            sent.principal,
            sent.id,
            dated=sent.at,
            seq=record.seq,
            at=record.at,
            value_sha256=hashlib.sha256(recorded.value).digest(),
        )
