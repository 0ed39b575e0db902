"""Access policies: create, edit, delete, and whether a policy can be met (R2, R3, R5)."""

from collections.abc import Iterable
from typing import Final

from assent_contracts import limits
from assent_contracts.access_policies import (
    ADMINISTRATORS,
    BUILT_IN_TYPES,
    ApprovalRule,
    Completion,
    Policy,
    PolicyTerms,
)
from assent_contracts.characters import draws_nothing
from assent_contracts.codec import encode
from assent_contracts.core.governance.change_conditions import (
    apart_sentence,
    bad_conditions,
    condition_fields,
    condition_sentences,
)
from assent_contracts.core.governance.change_rules import Asker, ChangeRules, creates, deletes
from assent_contracts.core.governance.eligible_people import eligible_people, too_few_administrators
from assent_contracts.core.governance.field_changes import FieldChange, becomes, changed_fields
from assent_contracts.core.governance.field_limits import bad_id, bad_text, out_of_date, refuse, twice
from assent_contracts.core.governance.number_words import counted, duration
from assent_contracts.core.governance.satisfiability import (
    approver_groups,
    invalid,
    unmet,
    unsatisfiable,
    unsigned,
)
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.governance_changes import (
    CreatePolicy,
    DeletePolicy,
    EditPolicy,
    group_object,
    policy_object,
)
from assent_contracts.governance_messages import GovernanceEvent, PolicyCreated, PolicyDeleted, PolicyEdited
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import has_control_characters, is_type_name


def create_policy(
    governance: Governance, change: CreatePolicy, at: int
) -> tuple[GovernanceEvent, ...] | Refusal:
    """Create a policy (R2, R3, R5) that can be met and signed for at log time `at` (ms)."""
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
    """Edit a policy. It keeps its resource type, which would otherwise be unprotected."""
    policy = change.policy
    bad = out_of_date(governance, policy_object(policy.id), change.version) or _bad_policy(policy)
    if bad is not None:
        return bad
    before = governance.policies[policy.id]
    if policy.resource_type != before.resource_type:
        return invalid(policy, "the resource type stays; create another policy for another type")
    if policy == before:
        return refuse(RefusalCode.ALREADY_SO, f"policy {policy.id} is so already.")
    return (
        too_large_together(governance, policy)
        or unmet(governance, policy)
        or unsigned(governance, policy, at)
        or (PolicyEdited(policy=policy),)
    )


def delete_policy(governance: Governance, change: DeletePolicy) -> tuple[GovernanceEvent, ...] | Refusal:
    """Delete a policy. It no longer approves anything, including changes that are not released yet."""
    return out_of_date(governance, policy_object(change.policy), change.version) or (
        PolicyDeleted(policy=change.policy),
    )


def _bad_policy(policy: Policy) -> Refusal | None:
    """R2: the refusal of a policy's own fields; None if all are good."""
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
        return invalid(policy, "a name has 1 to 128 characters")
    if not is_type_name(policy.resource_type):
        return invalid(policy, "a policy protects exactly one resource type")
    if policy.excluded_groups:
        return invalid(policy, "groups cannot be excluded (R2); name those that approve")
    if not 0 < len(policy.approvals) <= limits.RULES_MAX:
        return invalid(policy, f"a policy asks for 1 to {limits.RULES_MAX} approvals")
    if policy.rejections < 1:
        return unsatisfiable(policy, "no rejection would ever end a request: ask for 1 at least")
    for rule in policy.approvals:
        if not 0 < len(rule.groups) <= limits.GROUPS_MAX or twice(rule.groups) is not None:
            return invalid(policy, f"each approval names 1 to {limits.GROUPS_MAX} different approver groups")
    return bad_conditions(policy)


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


def policy_difference(before: Policy | None, after: Policy | None) -> tuple[FieldChange, ...]:
    """The parts of a policy that differ, with its approvals rule by rule."""
    was, will = _policy_fields(before), _policy_fields(after)
    names = [name for name in (*was, *(name for name in will if name not in was)) if name != "approvals"]
    rules = _rules(() if before is None else before.approvals, () if after is None else after.approvals)
    return (*changed_fields(*((name, was.get(name), will.get(name)) for name in names)), *rules)


def _policy_fields(policy: Policy | None) -> dict[str, str | None]:
    if policy is None:
        return {}
    return {
        "name": policy.name,
        "description": policy.description or None,
        "resource type": policy.resource_type,
        "rejections": str(policy.rejections),
        "completion": policy.completion,
        "expiry": "as the settings say" if policy.expiry_ms is None else duration(policy.expiry_ms),
        "own signature": "required" if policy.own_signature else "not required",
        "on behalf of": policy.on_behalf_of,
        **condition_fields(policy),
        "settlements": str(policy.settlements),
    }


def _rules(before: tuple[ApprovalRule, ...], after: tuple[ApprovalRule, ...]) -> Iterable[FieldChange]:
    if len(before) == len(after) == 1 and set(before[0].groups) == set(after[0].groups):
        yield from changed_fields(("quorum", str(before[0].quorum), str(after[0].quorum)))
        return
    for number in range(max(len(before), len(after))):
        was = rule_text(before[number]) if number < len(before) else None
        will = rule_text(after[number]) if number < len(after) else None
        yield from changed_fields((f"approval {number + 1}", was, will))


def rule_text(rule: ApprovalRule) -> str:
    """`2 of security or owners`, by the groups' ids."""
    return f"{rule.quorum} of {' or '.join(rule.groups)}"


def policy_sentence(policy: Policy, governance: Governance) -> str:
    """A sentence on whose approvals a policy asks for, and how its requests end, complete and expire."""
    named = " A service must name the person on whose behalf it submits."
    asked = _asks(
        policy.approvals,
        policy.rejections,
        policy.completion,
        policy.expiry_ms,
        governance,
        own_signature=policy.own_signature,
        settlements=policy.settlements,
    )
    return asked + (named if policy.on_behalf_of == "required" else "") + condition_sentences(policy)


def terms_sentence(terms: PolicyTerms, governance: Governance) -> str:
    """The same for the terms in a request, with the current people."""
    return _asks(
        terms.rules,
        terms.rejections,
        terms.completion,
        terms.expiry_ms,
        governance,
        own_signature=terms.own_signature,
        settlements=terms.settlements,
    ) + (apart_sentence() if terms.separate_operator else "")


def terms_text(terms: PolicyTerms) -> str:
    """The terms in a line, by ids: `apps: 2 of security; 3 rejections end it`."""
    asked = " and ".join(rule_text(rule) for rule in terms.rules)
    more = [
        *([f"{terms.rejections} rejections end it"] if terms.rejections != 1 else []),
        *(["the last approval releases it"] if terms.completion == "automatic" else []),
        *([f"expires after {duration(terms.expiry_ms)}"] if terms.expiry_ms is not None else []),
        *(["own signatures"] if terms.own_signature else []),
        *(["two settle an unknown outcome"] if terms.settlements > 1 else []),
        *(["its operator is apart"] if terms.separate_operator else []),
    ]
    return "; ".join([f"{terms.policy}: {asked}", *more])


def _asks(
    rules: tuple[ApprovalRule, ...],
    rejections: int,
    completion: Completion,
    expiry_ms: int | None,
    governance: Governance,
    *,
    own_signature: bool,
    settlements: int,
) -> str:
    expiry = min(expiry_ms or FOR_EVER_MS, governance.settings.expiry_ms)
    ends = "one rejection ends it" if rejections == 1 else f"{rejections} rejections end it"
    last = "the last approval releases it" if completion == "automatic" else "the requester completes it"
    signed = " with their own keys" if own_signature else ""
    settle = " Two administrators must settle an unknown outcome." if settlements > 1 else ""
    return (
        f"{' and '.join(rule_words(rule, governance) for rule in rules)} must approve{signed}; {ends};"
        f" {last}; it expires after {duration(expiry)} without progress.{settle}"
    )


def rule_words(rule: ApprovalRule, governance: Governance) -> str:
    """`2 of Security team (sec, 5 people) or App owners (owners, 3 people)`."""
    return f"{rule.quorum} of {' or '.join(group_words(group, governance) for group in rule.groups)}"


def group_words(group: str, governance: Governance) -> str:
    """A group by name and id, since names are not unique, and with the number of its eligible people."""
    people = counted(len(eligible_people(governance, (group,))), "person", "people")
    base, _, kind = group.partition("/")
    if base == ADMINISTRATORS:
        return f"the administrators{f' for {kind}' if kind else ''} ({people})"
    found = governance.groups.get(group)
    if found is None:
        return f"{group} (no such group)"
    if found.name in ("", found.id):
        return f"{found.id} ({people})"
    return f"{found.name} ({found.id}, {people})"


def _deletion(name: str, governance: Governance) -> str:
    policy = governance.policies.get(name)
    if policy is None:
        return f"Delete policy {name}."
    kind = policy.resource_type
    if any(each.resource_type == kind and each.id != name for each in governance.policies.values()):
        return f"Delete policy {name}: other policies still protect {kind}."
    unprotected = governance.settings.unprotected == "pass"
    then = "go through without approval" if unprotected else "are refused"
    return f"Delete policy {name}: changes to {kind} {then} from then on."


def _administered_type(governance: Governance, policy: str, resource_type: str | None) -> str:
    """EVERY_TYPE for policies of the built-in types, because they apply to all administrators."""
    found = governance.policies.get(policy)
    kind = resource_type or (EVERY_TYPE if found is None else found.resource_type)
    return EVERY_TYPE if kind in BUILT_IN_TYPES else kind


def _creation(change: CreatePolicy, governance: Governance) -> str:
    asks = policy_sentence(change.policy, governance)
    return f"Create policy {change.policy.id} for {change.policy.resource_type}: {asks}"


def _difference(change: CreatePolicy | EditPolicy, governance: Governance) -> tuple[FieldChange, ...]:
    return policy_difference(governance.policies.get(change.policy.id), change.policy)


def _given_power(change: CreatePolicy | EditPolicy) -> frozenset[str]:
    return frozenset(map(group_object, approver_groups(change.policy)))


def _why_approval(
    _governance: Governance, _change: CreatePolicy | EditPolicy | DeletePolicy, _asker: Asker
) -> str:
    return "it changes a policy"


CREATE_POLICY: Final = ChangeRules[CreatePolicy](
    decide=create_policy,
    operation=creates,
    sentence=_creation,
    difference=_difference,
    why_approval=_why_approval,
    administered_type=lambda governance, change: _administered_type(
        governance, change.policy.id, change.policy.resource_type
    ),
    given_power=_given_power,
)
EDIT_POLICY: Final = ChangeRules[EditPolicy](
    decide=edit_policy,
    sentence=lambda change, governance: (
        f"Edit policy {change.policy.id}: {becomes(_difference(change, governance))}."
    ),
    difference=_difference,
    why_approval=_why_approval,
    administered_type=lambda governance, change: _administered_type(
        governance, change.policy.id, change.policy.resource_type
    ),
    given_power=_given_power,
)
DELETE_POLICY: Final = ChangeRules[DeletePolicy](
    decide=lambda governance, change, _at: delete_policy(governance, change),
    operation=deletes,
    sentence=lambda change, governance: _deletion(change.policy, governance),
    difference=lambda change, governance: policy_difference(governance.policies.get(change.policy), None),
    why_approval=_why_approval,
    administered_type=lambda governance, change: _administered_type(governance, change.policy, None),
)
