"""Take in accepted governance records without deciding again: how a writer gets its state at its start."""

from assent_contracts.core.governance.handle import GovernanceLedgerState
from assent_contracts.core.remember_record import remember_record
from assent_contracts.governance_messages import GovernanceEvent, ReleaseCarriedOut, ReleaseRefused
from assent_contracts.ledger import LedgerRecord, decode_governance_events


def replay_governance(record: GovernanceLedgerState, accepted: LedgerRecord) -> tuple[GovernanceEvent, ...]:
    """Move `record` past one accepted record of the governance ledger; returns that record's events."""
    events = decode_governance_events(accepted)
    if not carries_release(events):
        remember_record(record.memory, accepted)
    record.take(accepted.seq, accepted.at, events)
    return events


def carries_release(events: tuple[GovernanceEvent, ...]) -> bool:
    """Whether the record goes by a release: its command is a submission, decided on the request ledger."""
    return bool(events) and isinstance(events[-1], ReleaseCarriedOut | ReleaseRefused)
