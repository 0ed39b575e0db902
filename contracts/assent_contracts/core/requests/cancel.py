"""Cancel: only the requester withdraws a request, as long as it is not approved (R11, R22)."""

from typing import assert_never

from assent_contracts.commands import Cancel
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import has_quorum, standing_terms
from assent_contracts.core.requests.complete import reopened
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.events import Event, RequestCanceled
from assent_contracts.refusals import Refusal, RefusalCode


def decide_cancel(request: Request, command: Cancel, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a cancellation. The requester is the account that submitted, not another one of the same person.

    R22: an approved request that has lost its quorum can be canceled again.
    """
    if isinstance(request, Closed):
        return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
    if request.submission.requester != context.principal.id:
        return refuse(RefusalCode.NOT_REQUESTER, "R11: only the requester can cancel.")
    match request:
        case NeedsApproval():
            before: tuple[Event, ...] = ()
        case Approved():
            terms = standing_terms(request.submission, context.governance)
            if has_quorum(request.submission, terms, request.approvals, context.governance):
                return _approved()
            before = reopened(request, command.request, terms, context)
        case Released() | Applying() | Unsettled():
            return _approved()
        case _:
            assert_never(request)
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    return (*before, RequestCanceled(request=command.request))


def _approved() -> Refusal:
    return refuse(RefusalCode.NOT_PENDING, "R11: the request is approved, it cannot be canceled any more.")
