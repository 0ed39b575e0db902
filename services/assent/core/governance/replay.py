"""Take in accepted governance records without deciding again: how a writer gets its state at its start."""

import hashlib

import msgspec

from assent.core.governance.judge import Record
from assent.core.sender import UNAUTHENTICATED
from assent_contracts.governance import GovernanceEvent, ReleaseCarriedOut, ReleaseRefused
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_governance_events,
    decode_recorded_command,
    decode_refusal,
)


class _Sent(msgspec.Struct, gc=False):
    id: str
    principal: str
    at: int


_decode_sent = msgspec.json.Decoder(_Sent).decode


def replay_governance(record: Record, accepted: LedgerRecord) -> tuple[GovernanceEvent, ...]:
    """Move `record` past one accepted record of the governance ledger; returns that record's events."""
    events, refusal = decode_governance_events(accepted), decode_refusal(accepted)
    if not carries_release(events) and (refusal is None or refusal.code not in UNAUTHENTICATED):
        _remember(record, accepted)
    record.take(accepted.seq, accepted.at, events)
    return events


def carries_release(events: tuple[GovernanceEvent, ...]) -> bool:
    """Whether the record goes by a release: its command is a submission, decided on the request ledger."""
    return bool(events) and isinstance(events[-1], ReleaseCarriedOut | ReleaseRefused)


def _remember(record: Record, accepted: LedgerRecord) -> None:
    recorded = decode_recorded_command(accepted)
    if not isinstance(recorded, RecordedCommand):
        return
    sent = _decode_sent(recorded.value)
    if record.memory.recall(sent.principal, sent.id) is None:
        record.memory.remember(
            sent.principal,
            sent.id,
            dated=sent.at,
            seq=accepted.seq,
            at=accepted.at,
            value_sha256=hashlib.sha256(recorded.value).digest(),
        )
