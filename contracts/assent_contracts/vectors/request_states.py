"""What became of every request of a log, as a library that follows it must have it."""

from typing import Any

from assent_contracts.client.request_updates import RequestFold, RequestUpdate
from assent_contracts.core.requests.evolve import evolve, open_request
from assent_contracts.core.requests.states import Applying, Closed, Request, Unsettled
from assent_contracts.events import ChangeSubmitted, OfNoRequest, RequestCompleted
from assent_contracts.ledger import decode_events
from assent_contracts.vectors.vector_log import VectorLog


def request_states(log: VectorLog) -> list[dict[str, Any]]:
    """Each request with its status; with its claim while it has one, and with its end once it has ended."""
    states: dict[str, Request] = {}
    for accepted in log.requests.accepted:
        record = accepted.record
        for event in decode_events(record):
            if isinstance(event, ChangeSubmitted):
                states[event.request] = open_request(event, record.seq)
            elif not isinstance(event, OfNoRequest):
                before = states[event.request]
                assert not isinstance(before, Closed), "an ended request stays ended"
                states[event.request] = evolve(before, event, record.at, record.seq)
    return [_stated(request, state, _last(log, request)) for request, state in states.items()]


def _last(log: VectorLog, request: str) -> RequestUpdate:
    fold = RequestFold(request)
    return [update for each in log.requests.accepted for update in fold.take(each)][-1]


def _stated(request: str, state: Request, last: RequestUpdate) -> dict[str, Any]:
    stated: dict[str, Any] = {"request": request, "status": last.status, "progress": last.progress}
    if not isinstance(state, Closed):
        stated["approvers"] = [each.approver for each in state.approvals]
    match state:
        case Closed():
            version = last.event.version if isinstance(last.event, RequestCompleted) else ""
            stated |= {
                "by": state.by or "",
                "message": last.message,
                "version": version or "",
                "seq": last.seq,
                "at": last.at,
            }
        case Applying():
            stated |= {"claim": state.claim, "applier": state.applier, "deadline": state.deadline}
        case Unsettled():
            stated |= {"claim": state.claim, "applier": state.applier}
        case _:
            pass
    return stated
