"""Reject: the rejection of one eligible person. As many as the policies require end the request.

R4, R8, R9.
"""

from typing import assert_never

from assent_contracts.commands import Reject
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import (
    approver_refusal,
    has_quorum,
    has_spoken,
    lapse,
    rejections_needed,
    standing_terms,
)
from assent_contracts.core.requests.complete import reopened
from assent_contracts.core.requests.decision_context import Context
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
from assent_contracts.events import Event, RejectionGiven, RequestRejected
from assent_contracts.refusals import Refusal, RefusalCode


def decide_reject(request: Request, command: Reject, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a rejection, for a request that needs approval. An approver who has approved must revoke first.

    R22: an approved request that has lost its quorum needs approval again.
    """
    match request:
        case NeedsApproval():
            return _reject(request, (), command, context)
        case Approved() if _has_lost_quorum(request, context):
            terms = standing_terms(request.submission, context.governance)
            return _reject(request, reopened(request, command.request, terms, context), command, context)
        case Approved() | Released() | Applying() | Unsettled():
            terms = standing_terms(request.submission, context.governance)
            return approver_refusal(request.submission, terms, context) or refuse(
                RefusalCode.NOT_PENDING, "The request is approved already."
            )
        case Closed():
            return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)


def _has_lost_quorum(request: Approved, context: Context) -> bool:
    terms = standing_terms(request.submission, context.governance)
    return not has_quorum(request.submission, terms, request.approvals, context.governance)


def _reject(
    request: NeedsApproval | Approved, before: tuple[Event, ...], command: Reject, context: Context
) -> tuple[Event, ...] | Refusal:
    """`before`: the events that open the request again, if it was approved."""
    principal, person, governance = context.principal, context.principal.person, context.governance
    terms = standing_terms(request.submission, governance)
    not_eligible = approver_refusal(request.submission, terms, context)
    if not_eligible is not None or person is None:
        return not_eligible or refuse(RefusalCode.NOT_AN_APPROVER, "A service never rejects.")
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    approvals = tuple(each for each in request.approvals if lapse(each, terms, governance) is None)
    if has_spoken(person, approvals if before else request.approvals):
        return refuse(RefusalCode.ALREADY_DECIDED, "You have approved this request: revoke that first.")
    if has_spoken(person, request.rejections):
        return refuse(RefusalCode.ALREADY_DECIDED, "You have rejected this request already.")
    other = not_as_shown(request.submission, command.submission)
    if other is not None:
        return other
    given = RejectionGiven(request=command.request, approver=principal.id, person=person)
    # Like approvals, rejections count while those who gave them are eligible.
    people = {
        each.person
        for each in request.rejections
        if lapse(Approval(each.approver, each.person), terms, governance) is None
    }
    if len(people) + 1 < rejections_needed(terms):
        return (*before, given)
    return (*before, given, RequestRejected(request=command.request, approver=principal.id))
