"""The state that a request's records in the audit log add up to: by the rules' own fold."""

from collections.abc import Sequence

from assent.store.queries import AuditRow
from assent_contracts.core.requests.evolve import evolve, open_request
from assent_contracts.core.requests.states import Closed, Request
from assent_contracts.events import ChangeSubmitted, Event, OfNoRequest
from assent_contracts.ledger import IncoherentRecordError, decode_events, decode_record
from assent_contracts.topics import LEDGER


def events_of(records: Sequence[AuditRow]) -> list[tuple[AuditRow, Event]]:
    """Every event of the request ledger's records of one request, with the record that it stands in."""
    own = (row for row in records if row.ledger == LEDGER)
    return [(row, event) for row in own for event in decode_events(decode_record(row.record))]


def state_of(records: Sequence[AuditRow]) -> Request:
    """The state that the records of one request add up to; the first is its submission.

    Raises IncoherentRecordError: the table has other records than the ledger.
    """
    state: Request | None = None
    for row, event in events_of(records):
        if isinstance(event, ChangeSubmitted):
            state = open_request(event, row.seq)
        elif not isinstance(event, OfNoRequest) and state is not None and not isinstance(state, Closed):
            state = evolve(state, event, row.at)
    if state is None:
        msg = "The audit log's records of this request do not begin with its submission."
        raise IncoherentRecordError(msg)
    return state
