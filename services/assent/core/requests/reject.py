"""Reject: one eligible person's no, which ends the request (R4, R8, R9)."""

from typing import assert_never

from assent.core.requests.approvers import approver_refusal
from assent.core.requests.context import Context, refuse
from assent.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.commands import Reject
from assent_contracts.events import Event, RequestRejected
from assent_contracts.refusals import Refusal, RefusalCode


def decide_reject(request: Request, command: Reject, context: Context) -> tuple[Event, ...] | Refusal:
    """Only while the request needs approval; an approver who has approved revokes first."""
    match request:
        case NeedsApproval():
            not_eligible = approver_refusal(request.submission, context)
            if not_eligible is not None:
                return not_eligible
            if request.deadline <= context.at:
                return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
            if any(approval.person == context.principal.person for approval in request.approvals):
                return refuse(
                    RefusalCode.ALREADY_DECIDED, "You have approved this request: revoke that first."
                )
            return (RequestRejected(request=command.request, approver=context.principal.id),)
        case Approved() | Released() | Applying() | Unsettled():
            return approver_refusal(request.submission, context) or refuse(
                RefusalCode.NOT_PENDING, "The request is approved already."
            )
        case Closed():
            return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)
