"""What in governance may soon stop working, for `assent doctor`. Pure."""

from collections.abc import Iterator

from assent.cli.diagnosis.check import Check
from assent_contracts.access_policies import GOVERNANCE_TYPE, Policy
from assent_contracts.core.governance.eligible_people import (
    ADMINISTRATORS_MIN,
    able_people,
    acting_administrators,
    eligible_people,
)
from assent_contracts.core.governance.number_words import counted, moment
from assent_contracts.core.governance.policies import rule_text
from assent_contracts.core.governance.satisfiability import approver_groups, unmet, unsigned
from assent_contracts.core.governance.signing_ability import able_at, gateway_for, has_key
from assent_contracts.core.governance.state import EVERY_TYPE, Governance

SOON_MS = 14 * 24 * 60 * 60 * 1_000
"""A key that ends within this time should be replaced now."""
_NAMED_MAX = 8


def governance_checks(governance: Governance, at: int) -> Iterator[Check]:
    """The checks at log time `at` (ms). What is not ok should be corrected before it is too late."""
    for policy in governance.policies.values():
        yield _policy(governance, policy, at)
    yield from _administrators(governance, at)
    yield from _without_key(governance, at)
    yield from _keys_that_end(governance, at)


def _policy(governance: Governance, policy: Policy, at: int) -> Check:
    refusal = unmet(governance, policy) or unsigned(governance, policy, at)
    if refusal is not None:
        return Check(
            ok=False,
            what=f"policy {policy.id} ({policy.resource_type}) can be met",
            remedy=f"{refusal.detail} Add people to its approver groups, or give them keys.",
        )
    able = [len(able_at(able_people(governance, policy, rule), at)) for rule in policy.approvals]
    everybody = eligible_people(governance, tuple(sorted(approver_groups(policy))))
    spare = min(
        len(everybody) - 1 - policy.rejections,
        *(people - 1 - rule.quorum for people, rule in zip(able, policy.approvals, strict=True)),
    )
    asks = " and ".join(
        f"{rule_text(rule)} ({counted(people, 'person', 'people')})"
        for people, rule in zip(able, policy.approvals, strict=True)
    )
    return Check(
        ok=spare > 0,
        what=f"policy {policy.id} ({policy.resource_type}): {asks} must approve",
        remedy="It cannot lose one more person: a requester among those left could not be approved."
        " Add people to its approver groups.",
    )


def _administrators(governance: Governance, at: int) -> Iterator[Check]:
    people = len(acting_administrators(governance, at))
    yield Check(
        ok=people > ADMINISTRATORS_MIN,
        what=f"{counted(people, 'person', 'people')} can act as administrator",
        remedy=f"R3: {ADMINISTRATORS_MIN} must always remain, so none of them can leave."
        " Give another person the role administrator, and a key.",
    )


def _without_key(governance: Governance, at: int) -> Iterator[Check]:
    """Approvers who cannot sign, for each policy whose approvers need a key of their own."""
    for policy in governance.policies.values():
        if not policy.own_signature and gateway_for(governance, policy.resource_type, at) is not None:
            continue
        named = governance.members_of_any(tuple(sorted(approver_groups(policy))))
        people = (governance.principals[name] for name in sorted(named))
        without = [
            each.id
            for each in people
            if each.enabled and each.person is not None and not has_key(governance, each.id, at)
        ]
        more = " and more" if len(without) > _NAMED_MAX else ""
        if without:
            yield Check(
                ok=False,
                what=f"the approvers of policy {policy.id} have keys",
                remedy=f"Without one: {', '.join(without[:_NAMED_MAX])}{more}."
                " `assent keys new`, `assent keys register`.",
            )


def _keys_that_end(governance: Governance, at: int) -> Iterator[Check]:
    """Administrators and gateways whose last key ends soon, or who have none."""
    sign = [
        *((name, "administrator") for name in sorted(governance.holders("administrator", EVERY_TYPE))),
        *((name, "gateway") for name in sorted(_gateways(governance))),
    ]
    for name, role in sign:
        if not governance.principals[name].enabled:
            continue
        ends = max((end for start, end in governance.windows(name) if start <= at < end), default=None)
        if ends is None and role == "administrator" and gateway_for(governance, GOVERNANCE_TYPE, at):
            continue  # someone who signs in at the gateway needs none
        when = "It has none now" if ends is None else f"The last ends at {moment(ends)}"
        yield Check(
            ok=ends is not None and ends >= at + SOON_MS,
            what=f"{role} {name} has a key that is valid for two weeks at least",
            remedy=f"{when}: `assent keys new`, `assent keys register`."
            + (" Nobody can decide in the console without it." if role == "gateway" else ""),
        )


def _gateways(governance: Governance) -> set[str]:
    return {
        name
        for assignment in governance.assignments.values()
        if assignment.role == "gateway"
        for name in (
            *assignment.principals,
            *(member for group in assignment.groups for member in governance.members(group)),
        )
        if governance.principals[name].person is None
    }
