"""A change must not lock everyone out.

R3: two people can always administer. Every policy can still be met, and the policies that protect governance
can still be signed for. Without that, nothing could restore what was lost.
"""

from assent_contracts.access_policies import BUILT_IN_TYPES, Policy
from assent_contracts.core.governance.eligible_people import (
    ADMINISTRATORS_MIN,
    able_people,
    administering_people,
    too_few,
)
from assent_contracts.core.governance.number_words import moment
from assent_contracts.core.governance.satisfiability import unmet, unsigned_rule
from assent_contracts.core.governance.signing_ability import first_loss
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    AddWriter,
    CorrectTime,
    CreatePolicy,
    EnablePrincipal,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    RetireWriter,
    SetOperator,
)
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import Refusal

_NO_HARM = (
    *(RegisterPrincipal, EnablePrincipal, RegisterKey, CreatePolicy),
    *(AddWriter, RetireWriter, CorrectTime, SetOperator),
)
"""Changes that take nothing from any person. Their own rules check what they do."""


def lockout_refusal(
    governance: Governance, change: GovernanceChange, events: tuple[GovernanceEvent, ...], at: int
) -> Refusal | None:
    """Why the events must not be made at log time `at` (ms); None if they lock no one out."""
    if not governance.protected or isinstance(change, _NO_HARM):
        return None
    after = governance.after(events)
    refusal = _administrators_lost(governance, after, at)
    if refusal is not None:
        return refusal
    for policy in after.policies.values():
        refusal = _policy_lost(governance, after, policy, at)
        if refusal is not None:
            return refusal
    return None


def _administrators_lost(before: Governance, after: Governance, at: int) -> Refusal | None:
    # For all future time: otherwise a key that is set to expire in a moment would not count as lost.
    loss = first_loss(administering_people(before), administering_people(after), ADMINISTRATORS_MIN, at)
    if loss is None:
        return None
    when, people = loss
    return too_few(people, _from(when, at))


def _policy_lost(before: Governance, after: Governance, policy: Policy, at: int) -> Refusal | None:
    was = before.policies.get(policy.id)
    refusal = unmet(after, policy)
    # A policy that could not be met before is not this change's fault.
    if refusal is not None and (policy != was or unmet(before, policy) is None):
        return refusal
    # Approvers of other policies who lose their keys can get new ones. Here they could not, because that
    # takes a request of these types. An edited policy is checked by its own rule.
    if policy.resource_type not in BUILT_IN_TYPES or policy != was:
        return None
    for rule in policy.approvals:
        able = able_people(after, policy, rule)
        loss = first_loss(able_people(before, policy, rule), able, rule.quorum + 1, at)
        if loss is not None:
            when, people = loss
            return unsigned_rule(after, policy, rule, people, _from(when, at))
    return None


def _from(when: int, at: int) -> str:
    return "" if when <= at else f"from {moment(when)} on "
