"""Access policies: create, edit, delete; and whether a policy can be met (R2, R3, R5)."""

from assent_contracts import limits
from assent_contracts.characters import draws_nothing
from assent_contracts.codec import encode
from assent_contracts.core.governance.eligible import able_people, eligible_people, too_few_administrators
from assent_contracts.core.governance.fields import bad_id, bad_text, out_of_date, refuse, twice
from assent_contracts.core.governance.signing import able_at
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance import GovernanceEvent, PolicyCreated, PolicyDeleted, PolicyEdited
from assent_contracts.governance_changes import CreatePolicy, DeletePolicy, EditPolicy, policy_object
from assent_contracts.policies import ApprovalRule, Policy
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import has_control_characters, is_type_name


def create_policy(
    governance: Governance, change: CreatePolicy, at: int
) -> tuple[GovernanceEvent, ...] | Refusal:
    """R2, R3, R5, and that it can be met and signed for at log time `at` (ms)."""
    policy = change.policy
    bad = _bad_policy(policy)
    if bad is not None:
        return bad
    if policy.id in governance.policies:
        return refuse(RefusalCode.ID_TAKEN, f"There is a policy {policy.id!r} already.")
    return (
        too_large_together(governance, policy)
        or unmet(governance, policy)
        or too_few_administrators(governance, at)
        or unsigned(governance, policy, at)
        or (PolicyCreated(policy=policy),)
    )


def edit_policy(governance: Governance, change: EditPolicy, at: int) -> tuple[GovernanceEvent, ...] | Refusal:
    """A policy keeps its type: what it protected would stand open otherwise."""
    policy = change.policy
    bad = out_of_date(governance, policy_object(policy.id), change.version) or _bad_policy(policy)
    if bad is not None:
        return bad
    before = governance.policies[policy.id]
    if policy.resource_type != before.resource_type:
        return _invalid(policy, "the resource type stays; create another policy for another type")
    if policy == before:
        return refuse(RefusalCode.ALREADY_SO, f"policy {policy.id} is so already.")
    return (
        too_large_together(governance, policy)
        or unmet(governance, policy)
        or unsigned(governance, policy, at)
        or (PolicyEdited(policy=policy),)
    )


def delete_policy(governance: Governance, change: DeletePolicy) -> tuple[GovernanceEvent, ...] | Refusal:
    """It approves nothing any more, what it had approved and was not released included."""
    return out_of_date(governance, policy_object(change.policy), change.version) or (
        PolicyDeleted(policy=change.policy),
    )


def _bad_policy(policy: Policy) -> Refusal | None:
    """R2: the policy's own fields."""
    bad = bad_id("policy", policy.id) or bad_text(
        "A policy's description", policy.description, limits.DESCRIPTION_MAX_CHARS, allowed="\n\t"
    )
    if bad is not None:
        return Refusal(code=RefusalCode.POLICY_INVALID, detail=bad.detail)
    if (
        draws_nothing(policy.name)
        or len(policy.name) > limits.NAME_MAX_CHARS
        or has_control_characters(policy.name)
    ):
        return _invalid(policy, "a name has 1 to 128 characters")
    if not is_type_name(policy.resource_type):
        return _invalid(policy, "a policy protects exactly one resource type")
    if policy.excluded_groups:
        return _invalid(policy, "groups cannot be excluded (R2); name those that approve")
    if not 0 < len(policy.approvals) <= limits.RULES_MAX:
        return _invalid(policy, f"a policy asks for 1 to {limits.RULES_MAX} approvals")
    if policy.rejections < 1:
        return _unsatisfiable(policy, "no rejection would ever end a request: ask for 1 at least")
    for rule in policy.approvals:
        if not 0 < len(rule.groups) <= limits.GROUPS_MAX or twice(rule.groups) is not None:
            return _invalid(policy, f"each approval names 1 to {limits.GROUPS_MAX} different approver groups")
    return None


def too_large_together(governance: Governance, policy: Policy) -> Refusal | None:
    """The refusal of a policy that would make submissions of its type too large for one ledger record."""
    others = (each for each in governance.policies.values() if each.resource_type == policy.resource_type)
    together = [policy, *(each for each in others if each.id != policy.id)]
    size = sum(len(encode(each)) for each in together)
    if size <= limits.TERMS_MAX_BYTES:
        return None
    return refuse(
        RefusalCode.TOO_LARGE,
        f"All policies for {policy.resource_type} together have {size:,} bytes, and at most"
        f" {limits.TERMS_MAX_BYTES:,} fit a record: name fewer groups.",
    )


def approver_groups(policy: Policy) -> frozenset[str]:
    """Every group that a policy names."""
    return frozenset(group for rule in policy.approvals for group in rule.groups)


def unmet(governance: Governance, policy: Policy) -> Refusal | None:
    """Why a policy cannot be met by who there is now (R5, quorum); None when it can."""
    licensed = {group for assignment in governance.assignments.values() for group in assignment.groups}
    for group in sorted(approver_groups(policy)):
        if group not in governance.groups:
            return _invalid(policy, f"there is no group {group[:128]!r}")
        if governance.settings.allow_unlicensed_admins and group not in licensed:
            return _invalid(policy, f"R5: group {group} is in no role assignment")
    for rule in policy.approvals:
        refusal = _rule_unmet(governance, policy, rule)
        if refusal is not None:
            return refusal
    people = len(eligible_people(governance, tuple(sorted(approver_groups(policy)))))
    if policy.rejections > people - 1:
        return _unsatisfiable(
            policy,
            f"it asks for {policy.rejections} rejections of {people} people, the requester among them",
        )
    return None


def _rule_unmet(governance: Governance, policy: Policy, rule: ApprovalRule) -> Refusal | None:
    if rule.quorum < 1:
        return _unsatisfiable(policy, "a quorum of 0 would let everything through")
    for group in rule.groups:
        if not eligible_people(governance, (group,)):
            return _unsatisfiable(
                policy, f"group {group} is empty, or has only disabled accounts and services"
            )
    people = len(eligible_people(governance, rule.groups))
    # Any one of them may be the requester, who cannot approve their own request (R9).
    if rule.quorum > people - 1:
        return _unsatisfiable(
            policy,
            f"it asks for {rule.quorum} of {', '.join(rule.groups)} beside the requester,"
            f" and there {'is 1 eligible person' if people == 1 else f'are {people} eligible people'}",
        )
    return None


def unsigned(governance: Governance, policy: Policy, at: int) -> Refusal | None:
    """Why too few of the eligible people could sign at log time `at` (ms); None when enough can."""
    for rule in policy.approvals:
        people = len(able_at(able_people(governance, policy, rule), at))
        if rule.quorum > people - 1:
            return unsigned_rule(governance, policy, rule, people, "")
    return None


def unsigned_rule(
    governance: Governance, policy: Policy, rule: ApprovalRule, people: int, since: str
) -> Refusal:
    """The refusal of a rule that so many people could sign for; `since`: from when on, or nothing."""
    how = (
        "with a key of their own"
        if governance.asks_own_signature(policy)
        else "with a key or through a gateway"
    )
    return _unsatisfiable(
        policy,
        f"it asks for {rule.quorum} of {', '.join(rule.groups)} beside the requester,"
        f" and {since}{people} of them could sign {how}",
    )


def _invalid(policy: Policy, why: str) -> Refusal:
    return refuse(RefusalCode.POLICY_INVALID, f"policy {policy.id[: limits.NAME_MAX_CHARS]}: {why}.")


def _unsatisfiable(policy: Policy, why: str) -> Refusal:
    return refuse(RefusalCode.POLICY_UNSATISFIABLE, f"policy {policy.id}: {why}.")
