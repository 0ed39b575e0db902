"""Approve: the approval of one eligible person (R4, R8, R9). Enough of them approve the request (R1)."""

from typing import assert_never

from msgspec import UNSET

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.commands import Approve
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import (
    approver_refusal,
    deleted_policy,
    has_quorum,
    has_spoken,
    is_automatic,
    lapse,
    progress_deadline,
    standing_terms,
)
from assent_contracts.core.requests.complete import lapsed, release
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.requester import requester_refusal
from assent_contracts.core.requests.separate_operator import own_submission
from assent_contracts.core.requests.states import (
    Applying,
    Approval,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.core.requests.submission_as_shown import not_as_shown
from assent_contracts.core.requests.window import not_yet
from assent_contracts.events import ApprovalGiven, Event, RequestApproved, RequestReopened
from assent_contracts.refusals import Refusal, RefusalCode


def decide_approve(request: Request, command: Approve, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide an approval. On an open request, permissions are checked before the deadline."""
    match request:
        case NeedsApproval() | Approved():
            terms = standing_terms(request.submission, context.governance)
            refusal = _too_late_or_not_theirs(request, command, terms, context)
            return refusal or _approve(request, command, terms, context)
        case Released() | Applying() | Unsettled():
            terms = standing_terms(request.submission, context.governance)
            return approver_refusal(request.submission, terms, context) or refuse(
                RefusalCode.NOT_PENDING, "The request is approved already."
            )
        case Closed():
            return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)


def _too_late_or_not_theirs(
    request: NeedsApproval | Approved, command: Approve, terms: tuple[PolicyTerms, ...], context: Context
) -> Refusal | None:
    submission, governance, person = request.submission, context.governance, context.principal.person
    not_eligible = approver_refusal(submission, terms, context) or own_submission(submission, terms, context)
    if not_eligible is not None:
        return not_eligible
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    if isinstance(request, Approved) and has_quorum(submission, terms, request.approvals, governance):
        return refuse(RefusalCode.NOT_PENDING, "The request is approved already.")
    assert person is not None, "approver_refusal lets humans through only"
    if has_spoken(person, request.rejections):
        return refuse(RefusalCode.ALREADY_DECIDED, "You have rejected this request: that stands.")
    other = not_as_shown(submission, command.submission)
    if other is not None:
        return other
    deleted = deleted_policy(submission, governance)
    if deleted is not None:
        return refuse(
            RefusalCode.NO_POLICY,
            f"Policy {deleted}, which this request was submitted under, is deleted: it approves nothing.",
        )
    return None


def _approve(
    request: NeedsApproval | Approved, command: Approve, terms: tuple[PolicyTerms, ...], context: Context
) -> tuple[Event, ...] | Refusal:
    submission, governance = request.submission, context.governance
    principal, person = context.principal, context.principal.person
    assert person is not None, "approver_refusal lets humans through only"
    lapses = lapsed(request, command.request, terms, context)
    standing = request.approvals
    if lapses:
        gone = {event.approver for event in lapses}
        standing = tuple(each for each in standing if each.approver not in gone)
    if has_spoken(person, standing):
        return refuse(RefusalCode.ALREADY_DECIDED, "You have approved this request already.")
    approval = Approval(principal.id, person, context.through)
    if context.through is not None and lapse(approval, terms, governance) is not None:
        return refuse(
            RefusalCode.OWN_SIGNATURE_REQUIRED,
            f"{context.through} has signed this, and the policy wants you to.",
        )
    given = ApprovalGiven(
        request=command.request,
        approver=principal.id,
        person=person,
        deadline=progress_deadline(
            terms, governance, context.at, submission.not_before, submission.not_after
        ),
        through=UNSET if context.through is None else context.through,
    )
    reopened = (RequestReopened(request=command.request),) if isinstance(request, Approved) else ()
    events: tuple[Event, ...] = (*lapses, *reopened, given)
    if not has_quorum(submission, terms, (*standing, approval), governance):
        return events
    approved = (*events, RequestApproved(request=command.request))
    # R19, R27: what waits for its requester or its time is completed by hand, once nothing is in the way.
    waits = requester_refusal(submission, governance) or not_yet(submission, governance, context.at)
    if is_automatic(terms) and waits is None:
        return (*approved, release(command.request, submission, terms, context))
    return approved
