"""A request's state, computed from its records in the audit log by the core's rules."""

from collections.abc import Sequence

from assent.store.queries import AuditRow
from assent_contracts.core.requests.evolve import evolve, open_request
from assent_contracts.core.requests.states import Closed, Request
from assent_contracts.events import ChangeSubmitted, Event, OfNoRequest
from assent_contracts.ledger import IncoherentRecordError, decode_events, decode_record
from assent_contracts.topics import LEDGER


def events_of(records: Sequence[AuditRow]) -> list[tuple[AuditRow, Event]]:
    """Every event of one request's records on the request ledger, each with its record."""
    own = (row for row in records if row.ledger == LEDGER)
    return [(row, event) for row in own for event in decode_events(decode_record(row.record))]


def state_of(records: Sequence[AuditRow]) -> Request:
    """The state that results from the records of one request; the first is its submission.

    Raises IncoherentRecordError if the table's records are not those of the ledger.
    """
    state: Request | None = None
    for row, event in events_of(records):
        if isinstance(event, ChangeSubmitted):
            state = open_request(event, row.seq)
        elif not isinstance(event, OfNoRequest) and state is not None and not isinstance(state, Closed):
            state = evolve(state, event, row.at, row.seq)
    if state is None:
        msg = "The audit log's records of this request do not begin with its submission."
        raise IncoherentRecordError(msg)
    return state
