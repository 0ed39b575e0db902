"""R4, R9 and the quorum: who may decide on a request, and whether enough distinct people have approved.

This is judged again each time. The terms at the submission and the current terms of the policies must both be
met. A deleted policy can never be met.
"""

import msgspec

from assent_contracts.access_policies import ADMINISTRATORS, PolicyTerms
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import Approval, Rejection, Submission
from assent_contracts.events import Lapse
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type

GOVERNANCE_EXPIRY_MIN_MS = 60 * 60 * 1_000
"""The shortest time limit for a change to governance. With a shorter one it could never be corrected."""


def standing_terms(submission: Submission, governance: Governance) -> tuple[PolicyTerms, ...]:
    """What policies asked for at the submission, and what they ask for now if that differs."""
    now = governance.terms_for(resource_type(submission.resource))
    then = submission.terms
    if then and then[0].policy == ADMINISTRATORS and governance.settings.governance_own_signature:
        # The setting may have been off at the submission. The stricter of the two counts.
        then = (msgspec.structs.replace(then[0], own_signature=True), *then[1:])
    if now is then or now == then:
        return then
    return then + tuple(terms for terms in now if terms not in then)


def approver_refusal(
    submission: Submission, terms: tuple[PolicyTerms, ...], context: Context
) -> Refusal | None:
    """Why the principal may not approve or reject this request; None if they may (R4, R9)."""
    principal = context.principal
    if principal.person is None:
        return refuse(RefusalCode.NOT_AN_APPROVER, "A service never approves or rejects.")
    if principal.person == submission.person:
        return refuse(RefusalCode.OWN_REQUEST, "R9: this request is your own.")
    for each in terms:
        if _is_named(principal.id, each, context.governance):
            return None
    return refuse(RefusalCode.NOT_AN_APPROVER, "R4: you are in none of the policy's approver groups.")


def _is_named(approver: str, terms: PolicyTerms, governance: Governance) -> bool:
    # Loops, not generators, here and below, for speed: this runs a few times for each approval.
    for rule in terms.rules:  # noqa: SIM110
        if approver in governance.members_of_any(rule.groups):
            return True
    return False


def has_spoken(person: str, given: tuple[Approval, ...] | tuple[Rejection, ...]) -> bool:
    """Whether one of these approvals or rejections is this person's."""
    for each in given:  # noqa: SIM110
        if each.person == person:
            return True
    return False


def deleted_policy(submission: Submission, governance: Governance) -> str | None:
    """The id of a deleted policy under which the request was submitted; None if there is none."""
    for terms in submission.terms:
        if not governance.has_policy(terms):
            return terms.policy
    return None


def lapse(approval: Approval, terms: tuple[PolicyTerms, ...], governance: Governance) -> Lapse | None:
    """Why an approval no longer counts under these terms; None if it counts."""
    if not governance.principals[approval.approver].enabled:
        return "disabled"
    why: Lapse | None = "not-eligible"
    for each in terms:
        if _is_named(approval.approver, each, governance):
            if each.own_signature and approval.through is not None:
                return "own-signature-required"
            why = None
    return why


def has_quorum(
    submission: Submission,
    terms: tuple[PolicyTerms, ...],
    approvals: tuple[Approval, ...],
    governance: Governance,
) -> bool:
    """Whether every rule of every policy has approvals of enough distinct people who are still eligible."""
    for each in terms:
        # Terms without rules are never met: they can only be a mistake.
        if not each.rules or not governance.has_policy(each):
            return False
        for rule in each.rules:
            eligible = governance.members_of_any(rule.groups)
            people = {
                approval.person
                for approval in approvals
                if approval.approver in eligible
                and approval.person != submission.person
                and governance.principals[approval.approver].enabled
                and not (each.own_signature and approval.through is not None)
            }
            if len(people) < max(rule.quorum, 1):
                return False
    return True


def is_automatic(terms: tuple[PolicyTerms, ...]) -> bool:
    """Whether the last approval releases the change. All policies must be automatic."""
    return bool(terms) and all(each.completion == "automatic" for each in terms)


def rejections_needed(terms: tuple[PolicyTerms, ...]) -> int:
    """How many rejections end the request: the fewest that a policy asks for."""
    return min((each.rejections for each in terms), default=1)


def progress_deadline(
    terms: tuple[PolicyTerms, ...],
    governance: Governance,
    at: int,
    not_before: int = 0,
    not_after: int = FOR_EVER_MS,
) -> int:
    """R14: when a request that makes progress at `at` expires, in ms. The shortest time limit counts.

    R27: it begins with the request's window, and ends with it at the latest.
    """
    limit_ms, of_governance = governance.settings.expiry_ms, False
    for each in terms:
        if each.expiry_ms is not None and each.expiry_ms < limit_ms:
            limit_ms = each.expiry_ms
        if each.policy == ADMINISTRATORS:
            of_governance = True
    if of_governance and limit_ms < GOVERNANCE_EXPIRY_MIN_MS:
        limit_ms = GOVERNANCE_EXPIRY_MIN_MS
    return min(max(at, not_before) + limit_ms, not_after)
