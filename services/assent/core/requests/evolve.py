"""What an event makes of a request."""

from typing import assert_never

from assent.core.requests.states import (
    Applying,
    Approval,
    Approved,
    Closed,
    NeedsApproval,
    Open,
    Released,
    Request,
    Submission,
    Unsettled,
)
from assent_contracts.events import (
    ApprovalGiven,
    ApprovalRevoked,
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    OutcomeUnknown,
    RequestApproved,
    RequestCanceled,
    RequestCompleted,
    RequestEvent,
    RequestExpired,
    RequestFailed,
    RequestRejected,
    Status,
)


class ImpossibleEventError(Exception):
    """An accepted record says something that no decision on this request could have said."""


def open_request(event: ChangeSubmitted, seq: int) -> NeedsApproval:
    """A new request, from the event at `seq`."""
    submission = Submission(seq, event.resource, event.requester, event.person, event.digest, event.terms)
    return NeedsApproval(submission, (), event.deadline)


def evolve(request: Open, event: RequestEvent, at: int) -> Request:
    """The request after `event`, at log time `at` (ms).

    Raises ImpossibleEventError when the event does not fit the state.
    """
    match event, request:
        case ApprovalGiven(), NeedsApproval():
            approvals = (*request.approvals, Approval(event.approver, event.person))
            return NeedsApproval(request.submission, approvals, event.deadline)
        case RequestApproved(), NeedsApproval():
            return Approved(request.submission, request.approvals, request.deadline)
        case ApprovalRevoked(), NeedsApproval() | Approved():
            approvals = tuple(each for each in request.approvals if each.approver != event.approver)
            return NeedsApproval(request.submission, approvals, event.deadline)
        case ChangeReleased(), NeedsApproval() | Approved():
            return Released(request.submission, event.deadline)
        case ChangeClaimed(), Released():
            return Applying(request.submission, event.applier, event.deadline)
        case OutcomeUnknown(), Applying():
            return Unsettled(request.submission, request.applier)
        case _:
            return Closed(request.submission.resource, _end(request, event), at)


def _end(request: Open, event: RequestEvent) -> Status:
    match event, request:
        case RequestRejected(), NeedsApproval():
            return "rejected"
        case RequestCanceled(), NeedsApproval():
            return "canceled"
        case RequestExpired(), NeedsApproval() | Approved() | Released():
            return "expired"
        case RequestCompleted(), Applying() | Unsettled():
            return "completed"
        case RequestFailed(), Applying() | Unsettled():
            return "failed"
        case (
            (
                ChangeSubmitted()
                | ApprovalGiven()
                | RequestApproved()
                | ApprovalRevoked()
                | RequestRejected()
                | RequestCanceled()
                | ChangeReleased()
                | ChangeClaimed()
                | RequestCompleted()
                | RequestFailed()
                | OutcomeUnknown()
                | RequestExpired()
            ),
            _,
        ):
            msg = f"{type(event).__name__} on a request that is {type(request).__name__}"
            raise ImpossibleEventError(msg)
        case _:
            assert_never(event)
