"""Cancel: the requester, and nobody else, withdraws a request before approval (R11)."""

from typing import assert_never

from assent.core.governance.fields import refuse
from assent.core.requests.context import Context
from assent.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.commands import Cancel
from assent_contracts.events import Event, RequestCanceled
from assent_contracts.refusals import Refusal, RefusalCode


def decide_cancel(request: Request, command: Cancel, context: Context) -> tuple[Event, ...] | Refusal:
    """The requester is the account that submitted, not another one of the same person."""
    match request:
        case NeedsApproval():
            if request.submission.requester != context.principal.id:
                return refuse(RefusalCode.NOT_REQUESTER, "R11: only the requester can cancel.")
            if request.deadline <= context.at:
                return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
            return (RequestCanceled(request=command.request),)
        case Approved() | Released() | Applying() | Unsettled():
            if request.submission.requester != context.principal.id:
                return refuse(RefusalCode.NOT_REQUESTER, "R11: only the requester can cancel.")
            return refuse(
                RefusalCode.NOT_PENDING, "R11: the request is approved, it cannot be canceled any more."
            )
        case Closed():
            return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)
