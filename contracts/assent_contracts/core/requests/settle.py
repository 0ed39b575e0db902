"""Settle: administrators of the type settle an unknown outcome, or release the change again.

Where a policy asks for two, two people in a row must state the same outcome. The first is recorded as a
proposal. A contrary settlement replaces the earlier proposals: so nobody is outvoted without having been
heard, and one person cannot block the others.
"""

from typing import assert_never

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.commands import Settle
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.operators import operating_person
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import has_quorum, standing_terms
from assent_contracts.core.requests.complete import release
from assent_contracts.core.requests.current_claim import superseded
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.requester import requester_refusal
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Proposal,
    Released,
    Request,
    Submission,
    Unsettled,
)
from assent_contracts.core.requests.window import no_time_left, not_yet
from assent_contracts.events import Event, RequestCompleted, RequestFailed, SettlementProposed
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def decide_settlement(request: Request, command: Settle, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a settlement. Only an unknown outcome can be settled."""
    if isinstance(request, Closed):
        return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
    forbidden = _may_not_settle(request.submission, context)
    if forbidden is not None:
        return forbidden
    match request:
        case NeedsApproval() | Approved() | Released():
            return refuse(
                RefusalCode.NOT_PENDING, "No outcome is unknown: no applier has claimed the change."
            )
        case Applying():
            return refuse(
                RefusalCode.BEING_APPLIED, f"{request.applier} has claimed the change and may still report."
            )
        case Unsettled():
            return (
                settler_refusal(request, context)
                or superseded(request, command.claim)
                or _settle(request, command, context)
            )
        case _:
            assert_never(request)


def settlements_needed(terms: tuple[PolicyTerms, ...]) -> int:
    """How many administrators must agree: the most that a policy asks for."""
    return max((each.settlements for each in terms), default=1)


def standing_proposals(request: Unsettled, governance: Governance) -> tuple[Proposal, ...]:
    """The proposals of those who could still settle the outcome."""
    kind = resource_type(request.submission.resource)
    return tuple(
        each
        for each in request.proposals
        if governance.principals[each.administrator].enabled
        and governance.has_role(each.administrator, "administrator", kind)
    )


def administers(submission: Submission, context: Context) -> bool:
    """Whether the sender is a person with the role administrator for the type."""
    kind = resource_type(submission.resource)
    principal = context.principal
    return principal.person is not None and context.governance.has_role(principal.id, "administrator", kind)


def settler_refusal(request: Unsettled, context: Context) -> Refusal | None:
    """Why this administrator cannot settle this outcome with this signature; None if they can.

    It holds for a settlement and for a report alike, because both state what became of the change.
    """
    governance = context.governance
    # An applier reports what it knows. Whether to believe it, or to try again, is for others.
    if operating_person(governance, governance.principals[request.applier]) == context.principal.person:
        return refuse(
            RefusalCode.NOT_PERMITTED,
            "You claimed the change, or operate its applier: another administrator settles it.",
        )
    terms = standing_terms(request.submission, governance)
    if context.through is not None and any(each.own_signature for each in terms):
        return refuse(
            RefusalCode.OWN_SIGNATURE_REQUIRED,
            f"{context.through} has signed this, and the policy wants you to.",
        )
    return None


def _may_not_settle(submission: Submission, context: Context) -> Refusal | None:
    if not administers(submission, context):
        kind = resource_type(submission.resource)
        return refuse(
            RefusalCode.NOT_PERMITTED,
            f"Only a person with the role administrator for {kind} settles an unknown outcome.",
        )
    if context.principal.person == submission.person:
        return refuse(RefusalCode.OWN_REQUEST, "Another administrator must settle your own request.")
    return None


def _settle(request: Unsettled, command: Settle, context: Context) -> tuple[Event, ...] | Refusal:
    terms = standing_terms(request.submission, context.governance)
    if command.outcome == "retry":
        barred = _not_released_again(request, terms, context)
        if barred is not None:
            return barred
    agreeing = [
        each
        for each in standing_proposals(request, context.governance)
        if each.outcome == command.outcome and each.person != context.principal.person
    ]
    if len(agreeing) + 1 >= settlements_needed(terms):
        return (_settlement(request, command, terms, context),)
    return _propose(request, command, context)


def _propose(request: Unsettled, command: Settle, context: Context) -> tuple[Event, ...] | Refusal:
    principal = context.principal
    assert principal.person is not None, "only people settle"
    for each in standing_proposals(request, context.governance):
        if each.person == principal.person and each.outcome == command.outcome:
            return refuse(
                RefusalCode.ALREADY_DECIDED, "Your settlement is recorded: another person must agree with it."
            )
    return (
        SettlementProposed(
            request=command.request,
            administrator=principal.id,
            person=principal.person,
            outcome=command.outcome,
        ),
    )


def _not_released_again(
    request: Unsettled, terms: tuple[PolicyTerms, ...], context: Context
) -> Refusal | None:
    """R1, R18, R19: a change is released again only if it could be released now, with its approvals."""
    if not terms and context.governance.settings.unprotected != "pass":
        kind = resource_type(request.submission.resource)
        return refuse(
            RefusalCode.NO_POLICY, f"R18: no policy protects {kind}, and unprotected types are refused now."
        )
    if request.submission.part_of is not None:
        return refuse(
            RefusalCode.NOT_APPROVED,
            "R29: who approved its set is not known here. Settle it as failed and have it submitted again.",
        )
    if not has_quorum(request.submission, terms, request.approvals, context.governance):
        return refuse(
            RefusalCode.NOT_APPROVED,
            "R1: its approvals are not enough any more. Settle it as failed and have it submitted again.",
        )
    return (
        requester_refusal(request.submission, context.governance)
        or no_time_left(request.submission, context.at)
        or not_yet(request.submission, context.governance, context.at)
    )


def _settlement(
    request: Unsettled, command: Settle, terms: tuple[PolicyTerms, ...], context: Context
) -> Event:
    settled_by = context.principal.id
    match command.outcome:
        case "succeeded":
            return RequestCompleted(request=command.request, reporter=settled_by)
        case "failed":
            return RequestFailed(request=command.request, reporter=settled_by)
        case "retry":
            return release(command.request, request.submission, terms, context)
        case _:
            assert_never(command.outcome)
