"""Consume accepted records without deciding them again, as readers do, and a writer when it starts."""

from assent_contracts.core.remember_record import remember_record
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.ledger import LedgerRecord, decode_events


def replay(state: PartitionState, record: LedgerRecord) -> None:
    """Advance the partition's state past one accepted record."""
    remember_record(state.memory, record)
    named = record.governance if isinstance(record.governance, int) else -1
    state.record(record.seq, record.at, decode_events(record), governance=named)
