"""Complete: the requester releases the approved change to the applier (R1, R12)."""

from typing import assert_never

from assent.core.governance.fields import refuse
from assent.core.requests.approvers import has_quorum, lapse, progress_deadline, standing_terms
from assent.core.requests.context import Context
from assent.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Submission,
    Unsettled,
)
from assent_contracts.commands import Complete
from assent_contracts.events import ApprovalLapsed, ChangeReleased, Event, RequestApproved, RequestReopened
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def decide_complete(request: Request, command: Complete, context: Context) -> tuple[Event, ...] | Refusal:
    """The quorum is counted again: if it no longer holds, the request needs approval again instead."""
    if isinstance(request, Closed):
        return refuse(RefusalCode.NOT_APPROVED, f"The request has ended: {request.status}.")
    if request.submission.requester != context.principal.id:
        return refuse(RefusalCode.NOT_REQUESTER, "R12: only the requester can complete.")
    match request:
        case NeedsApproval() | Approved():
            return _release(request, command, context)
        case Released() | Applying() | Unsettled():
            return refuse(RefusalCode.ALREADY_DECIDED, "The change is released already.")
        case _:
            assert_never(request)


def _release(
    request: NeedsApproval | Approved, command: Complete, context: Context
) -> tuple[Event, ...] | Refusal:
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_APPROVED, "R14: the request has expired.")
    enough = has_quorum(request.submission, request.approvals, context.governance)
    match request:
        case NeedsApproval() if enough:
            # Governance has come round to the approvals that stand: nobody has to say it again.
            approved = RequestApproved(request=command.request)
            return (approved, release(command.request, request.submission, context))
        case NeedsApproval():
            return refuse(RefusalCode.NOT_APPROVED, "R1: the request needs approval first.")
        case Approved() if enough:
            return (release(command.request, request.submission, context),)
        case Approved():
            return (*lapsed(request, command.request, context), RequestReopened(request=command.request))


def release(request_id: str, submission: Submission, context: Context) -> ChangeReleased:
    """The release of a request that has its quorum."""
    governance = context.governance
    if resource_type(submission.resource) in BUILT_IN_TYPES:
        # Governance carries it out, in its own time: nobody has to claim it.
        deadline = FOR_EVER_MS
    else:
        deadline = progress_deadline(standing_terms(submission, governance), governance, context.at)
    return ChangeReleased(
        request=request_id, resource=submission.resource, digest=submission.digest, deadline=deadline
    )


def lapsed(
    request: NeedsApproval | Approved, request_id: str, context: Context
) -> tuple[ApprovalLapsed, ...]:
    """An event for each approval that counts no more."""
    if not request.approvals:
        return ()
    terms = standing_terms(request.submission, context.governance)
    return tuple(
        ApprovalLapsed(request=request_id, approver=each.approver, reason=reason)
        for each in request.approvals
        if (reason := lapse(each, terms, context.governance)) is not None
    )
