"""Complete: the requester releases the approved change to the applier (R1, R12)."""

from typing import assert_never

from assent_contracts.access_policies import BUILT_IN_TYPES, PolicyTerms
from assent_contracts.commands import Complete
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import has_quorum, lapse, progress_deadline, standing_terms
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.requester import requester_refusal
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Submission,
    Unsettled,
)
from assent_contracts.core.requests.submission_as_shown import not_as_shown
from assent_contracts.core.requests.window import not_yet
from assent_contracts.events import ApprovalLapsed, ChangeReleased, Event, RequestApproved, RequestReopened
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def decide_complete(request: Request, command: Complete, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a completion. If the quorum no longer holds, the request needs approval again instead.

    R19: if it holds, the requester must still be allowed to request the change.
    """
    if isinstance(request, Closed):
        return refuse(RefusalCode.NOT_APPROVED, f"The request has ended: {request.status}.")
    if request.submission.requester != context.principal.id:
        return refuse(RefusalCode.NOT_REQUESTER, "R12: only the requester can complete.")
    other = not_as_shown(request.submission, command.submission)
    if other is not None:
        return other
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
    submission = request.submission
    terms = standing_terms(submission, context.governance)
    enough = has_quorum(submission, terms, request.approvals, context.governance)
    if not enough:
        if isinstance(request, NeedsApproval):
            return refuse(RefusalCode.NOT_APPROVED, "R1: the request needs approval first.")
        return reopened(request, command.request, terms, context)
    governance = context.governance
    barred = requester_refusal(submission, governance) or not_yet(submission, governance, context.at)
    if barred is not None:
        return barred
    released = release(command.request, submission, terms, context)
    if isinstance(request, Approved):
        return (released,)
    # Governance has changed so that the given approvals are enough: they need not be given again.
    return (RequestApproved(request=command.request), released)


def release(
    request_id: str, submission: Submission, terms: tuple[PolicyTerms, ...], context: Context
) -> ChangeReleased:
    """The release of a request that has its quorum."""
    if resource_type(submission.resource) in BUILT_IN_TYPES or submission.members:
        # Governance carries it out without a claim and without a deadline. R29: a set ends after its members.
        deadline = FOR_EVER_MS
    else:
        deadline = progress_deadline(
            terms, context.governance, context.at, submission.not_before, submission.not_after
        )
    return ChangeReleased(
        request=request_id, resource=submission.resource, digest=submission.digest, deadline=deadline
    )


def reopened(
    request: Approved, request_id: str, terms: tuple[PolicyTerms, ...], context: Context
) -> tuple[Event, ...]:
    """R22: the events by which an approved request that has lost its quorum needs approval again."""
    return (*lapsed(request, request_id, terms, context), RequestReopened(request=request_id))


def lapsed(
    request: NeedsApproval | Approved,
    request_id: str,
    terms: tuple[PolicyTerms, ...],
    context: Context,
) -> tuple[ApprovalLapsed, ...]:
    """An event for each approval that no longer counts."""
    if not request.approvals:
        return ()
    return tuple(
        ApprovalLapsed(request=request_id, approver=each.approver, reason=reason)
        for each in request.approvals
        if (reason := lapse(each, terms, context.governance)) is not None
    )
