"""Consume accepted governance records without deciding them again, as a writer does when it starts."""

from assent_contracts.core.governance.handle import GovernanceLedgerState
from assent_contracts.core.remember_record import remember_record
from assent_contracts.governance_messages import GovernanceEvent, ReleaseCarriedOut, ReleaseRefused
from assent_contracts.ledger import LedgerRecord, decode_governance_events


def replay_governance(record: GovernanceLedgerState, accepted: LedgerRecord) -> tuple[GovernanceEvent, ...]:
    """Advance `record` past one accepted record of the governance ledger. Returns that record's events."""
    events = decode_governance_events(accepted)
    if not carries_release(events):
        remember_record(record.memory, accepted)
    record.take(accepted.seq, accepted.at, events)
    return events


def carries_release(events: tuple[GovernanceEvent, ...]) -> bool:
    """Whether the record carries out a release. Its command is then a submission from the request ledger."""
    return bool(events) and isinstance(events[-1], ReleaseCarriedOut | ReleaseRefused)
