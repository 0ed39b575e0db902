"""Whether a policy can be met by the existing people and keys (R5, quorum). Pure."""

from assent_contracts import limits
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.eligible_people import able_people, eligible_people
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.signing_ability import able_at
from assent_contracts.core.governance.state import Governance
from assent_contracts.refusals import Refusal, RefusalCode


def approver_groups(policy: Policy) -> frozenset[str]:
    """Every group that a policy names."""
    return frozenset(group for rule in policy.approvals for group in rule.groups)


def unmet(governance: Governance, policy: Policy) -> Refusal | None:
    """Why a policy cannot be met by the current people (R5, quorum); None if it can."""
    licensed = {group for assignment in governance.assignments.values() for group in assignment.groups}
    for group in sorted(approver_groups(policy)):
        if group not in governance.groups:
            return invalid(policy, f"there is no group {group[:128]!r}")
        if governance.settings.allow_unlicensed_admins and group not in licensed:
            return invalid(policy, f"R5: group {group} is in no role assignment")
    for rule in policy.approvals:
        refusal = _rule_unmet(governance, policy, rule)
        if refusal is not None:
            return refusal
    people = len(eligible_people(governance, tuple(sorted(approver_groups(policy)))))
    if policy.rejections > people - 1:
        return unsatisfiable(
            policy,
            f"it asks for {policy.rejections} rejections of {people} people, the requester among them",
        )
    return None


def _rule_unmet(governance: Governance, policy: Policy, rule: ApprovalRule) -> Refusal | None:
    if rule.quorum < 1:
        return unsatisfiable(policy, "a quorum of 0 would let everything through")
    for group in rule.groups:
        if not eligible_people(governance, (group,)):
            return unsatisfiable(
                policy, f"group {group} is empty, or has only disabled accounts and services"
            )
    people = len(eligible_people(governance, rule.groups))
    # Any of them may be the requester, who cannot approve their own request (R9).
    if rule.quorum > people - 1:
        return unsatisfiable(
            policy,
            f"it asks for {rule.quorum} of {', '.join(rule.groups)} beside the requester,"
            f" and there {'is 1 eligible person' if people == 1 else f'are {people} eligible people'}",
        )
    return None


def unsigned(governance: Governance, policy: Policy, at: int) -> Refusal | None:
    """The refusal if too few eligible people could sign at log time `at` (ms); None if enough can."""
    for rule in policy.approvals:
        people = len(able_at(able_people(governance, policy, rule), at))
        if rule.quorum > people - 1:
            return unsigned_rule(governance, policy, rule, people, "")
    return None


def unsigned_rule(
    governance: Governance, policy: Policy, rule: ApprovalRule, people: int, since: str
) -> Refusal:
    """The refusal of a rule for which only `people` could sign. `since`: from when on; may be empty."""
    how = (
        "with a key of their own"
        if governance.asks_own_signature(policy)
        else "with a key or through a gateway"
    )
    return unsatisfiable(
        policy,
        f"it asks for {rule.quorum} of {', '.join(rule.groups)} beside the requester,"
        f" and {since}{people} of them could sign {how}",
    )


def invalid(policy: Policy, why: str) -> Refusal:
    """The refusal of a policy that breaks a rule."""
    return refuse(RefusalCode.POLICY_INVALID, f"policy {policy.id[: limits.NAME_MAX_CHARS]}: {why}.")


def unsatisfiable(policy: Policy, why: str) -> Refusal:
    """The refusal of a policy that no approvals could meet."""
    return refuse(RefusalCode.POLICY_UNSATISFIABLE, f"policy {policy.id}: {why}.")
