"""A request's row as the rules see it. Pure."""

from assent.store.queries import RequestView
from assent_contracts.core.requests.permissions import Deciding
from assent_contracts.core.requests.states import (
    Applying,
    Approval,
    Approved,
    NeedsApproval,
    Open,
    Rejection,
    Released,
    Submission,
    Unsettled,
)
from assent_contracts.limits import FOR_EVER_MS


def submission_of_row(row: RequestView) -> Submission:
    """What the rules keep of a request's submission, from its row."""
    return Submission(
        row.seq,
        row.resource,
        row.requester,
        row.person,
        row.submission,
        row.digest,
        row.terms,
        row.on_behalf_of,
    )


def state_of_row(row: RequestView) -> Open | None:
    """The rules' state of an open request, from its row; None for an ended one.

    Approvals are part of it only where they count still: a released request has used its own.
    """
    submission, deadline, applier = submission_of_row(row), row.deadline or FOR_EVER_MS, row.applier or ""
    approvals = tuple(Approval(each.approver, each.person, each.through) for each in row.approvals)
    rejections = tuple(Rejection(each.approver, each.person) for each in row.rejections)
    match row.status, row.progress:
        case "needs_approval", None:
            return NeedsApproval(submission, approvals, rejections, deadline)
        case "approved", None:
            return Approved(submission, approvals, rejections, deadline)
        case "approved", "released":
            return Released(submission, deadline)
        case "approved", "applying":
            return Applying(submission, applier, deadline)
        case "approved", "unknown":
            return Unsettled(submission, applier)
        case _:
            return None


def deciding_of_row(row: RequestView) -> Deciding | None:
    """The state of a request that can be decided on, from its row; None for all others."""
    state = state_of_row(row)
    return state if isinstance(state, Deciding) else None
