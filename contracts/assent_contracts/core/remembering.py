"""Take the id of an accepted record's command into memory: the same for both ledgers."""

import hashlib

import msgspec

from assent_contracts.core.memory import CommandMemory
from assent_contracts.core.sender import UNAUTHENTICATED
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command, decode_refusal


class _Sent(msgspec.Struct, gc=False):
    id: str
    principal: str
    at: int


_decode_sent = msgspec.json.Decoder(_Sent).decode


def remember_record(memory: CommandMemory, record: LedgerRecord) -> None:
    """Remember the command that a record decides, unless nobody is known to have sent it."""
    refusal = decode_refusal(record)
    if refusal is not None and refusal.code in UNAUTHENTICATED:
        return
    recorded = decode_recorded_command(record)
    if not isinstance(recorded, RecordedCommand):
        return
    sent = _decode_sent(recorded.value)
    if memory.recall(sent.principal, sent.id) is None:
        memory.remember(
            sent.principal,
            sent.id,
            dated=sent.at,
            seq=record.seq,
            at=record.at,
            value_sha256=hashlib.sha256(recorded.value).digest(),
        )
