"""A request's row as the rules see it. Pure."""

from assent.store.queries import RequestView
from assent_contracts.core.requests.explain import Deciding
from assent_contracts.core.requests.states import Approval, Approved, NeedsApproval, Rejection, Submission
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


def state_of_row(row: RequestView) -> Deciding | None:
    """The rules' state of a request that can be decided on, from its row; None for all others."""
    if row.status not in ("needs_approval", "approved") or row.progress is not None:
        return None
    approvals = tuple(Approval(each.approver, each.person, each.through) for each in row.approvals)
    rejections = tuple(Rejection(each.approver, each.person) for each in row.rejections)
    kind = NeedsApproval if row.status == "needs_approval" else Approved
    return kind(submission_of_row(row), approvals, rejections, row.deadline or FOR_EVER_MS)
