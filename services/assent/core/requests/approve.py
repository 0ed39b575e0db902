"""Approve: one eligible person's yes to the bytes that they saw (R1, R4, R8, R9)."""

from typing import assert_never

from assent.core.requests.approvers import approver_refusal, has_quorum
from assent.core.requests.context import Context, refuse
from assent.core.requests.states import (
    Applying,
    Approval,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.commands import Approve
from assent_contracts.events import ApprovalGiven, Event, RequestApproved
from assent_contracts.refusals import Refusal, RefusalCode


def decide_approve(request: Request, command: Approve, context: Context) -> tuple[Event, ...] | Refusal:
    """Who may not decide on an open request is refused before what comes too late."""
    match request:
        case NeedsApproval():
            return _approve(request, command, context)
        case Approved() | Released() | Applying() | Unsettled():
            return approver_refusal(request.submission, context) or refuse(
                RefusalCode.NOT_PENDING, "The request is approved already."
            )
        case Closed():
            return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)


def _approve(request: NeedsApproval, command: Approve, context: Context) -> tuple[Event, ...] | Refusal:
    submission, person = request.submission, context.principal.person
    not_eligible = approver_refusal(submission, context)
    if not_eligible is not None or person is None:
        return not_eligible or refuse(RefusalCode.NOT_AN_APPROVER, "A service never approves.")
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    if any(approval.person == person for approval in request.approvals):
        return refuse(RefusalCode.ALREADY_DECIDED, "You have approved this request already.")
    if command.digest != submission.digest:
        return refuse(
            RefusalCode.DIGEST_MISMATCH, f"The request's payload has the digest {submission.digest}."
        )
    approvals = (*request.approvals, Approval(context.principal.id, person))
    given = ApprovalGiven(
        request=command.request,
        approver=context.principal.id,
        person=person,
        deadline=context.at + context.governance.settings.expiry_ms,
    )
    if has_quorum(submission, approvals, context.governance):
        return (given, RequestApproved(request=command.request))
    return (given,)
