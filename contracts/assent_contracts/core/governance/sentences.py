"""Plain sentences for what a policy asks for, and for what a change does: console and CLI show them. Pure."""

from typing import assert_never

from assent_contracts.core.governance.differences import (
    Line,
    counted,
    difference,
    duration,
    holders_text,
    keys_of,
    moment,
    settings_difference,
)
from assent_contracts.core.governance.eligible import eligible_people
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    AddWriter,
    AssignRole,
    ChangeSettings,
    CorrectTime,
    CreatePolicy,
    DefineGroup,
    DeleteGroup,
    DeletePolicy,
    DisablePrincipal,
    EditPolicy,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    RetireWriter,
    RevokeKey,
    RevokeKeys,
    SyncDirectory,
    WithdrawRole,
)
from assent_contracts.governed import Account, DirectoryDifference, Group, RoleAssignment
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.policies import ADMINISTRATORS, ApprovalRule, Completion, Policy, PolicyTerms

_NAMED_MAX = 8
"""Names that a sentence lists; of more it says how many."""


def policy_sentence(policy: Policy, governance: Governance) -> str:
    """What a policy asks for: whose approvals, what ends a request, who completes it, and when it expires."""
    named = " A service must name the person on whose behalf it submits."
    asked = _asks(
        policy.approvals,
        policy.rejections,
        policy.completion,
        policy.expiry_ms,
        governance,
        own_signature=policy.own_signature,
    )
    return asked + (named if policy.on_behalf_of == "required" else "")


def terms_sentence(terms: PolicyTerms, governance: Governance) -> str:
    """The same for the terms that a request keeps, with the people that there are now."""
    return _asks(
        terms.rules,
        terms.rejections,
        terms.completion,
        terms.expiry_ms,
        governance,
        own_signature=terms.own_signature,
    )


def _asks(
    rules: tuple[ApprovalRule, ...],
    rejections: int,
    completion: Completion,
    expiry_ms: int | None,
    governance: Governance,
    *,
    own_signature: bool,
) -> str:
    expiry = min(expiry_ms or FOR_EVER_MS, governance.settings.expiry_ms)
    ends = "one rejection ends it" if rejections == 1 else f"{rejections} rejections end it"
    last = "the last approval releases it" if completion == "automatic" else "the requester completes it"
    signed = " with their own keys" if own_signature else ""
    return (
        f"{' and '.join(rule_words(rule, governance) for rule in rules)} must approve{signed}; {ends};"
        f" {last}; it expires after {duration(expiry)} without progress."
    )


def rule_words(rule: ApprovalRule, governance: Governance) -> str:
    """`2 of Security team (sec, 5 people) or App owners (owners, 3 people)`."""
    return f"{rule.quorum} of {' or '.join(group_words(group, governance) for group in rule.groups)}"


def group_words(group: str, governance: Governance) -> str:
    """A group by its name and id, with how many eligible people are in it: other groups may have its name."""
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


def change_sentence(change: GovernanceChange, governance: Governance) -> str:  # noqa: C901, PLR0912  an arm each
    """What a change does to this state of governance."""
    match change:
        case RegisterPrincipal(account=account):
            return f"Register {_account(account)}."
        case EnablePrincipal(principal=principal):
            return f"Enable {principal}."
        case DisablePrincipal(principal=principal):
            return f"Disable {principal}."
        case RegisterKey(key=key):
            return f"Register the key {key.id} for {key.principal}, valid {_until(key.not_after)}."
        case ExpireKey(key=key, not_after=not_after):
            return f"Let the key {key}{_of(key, governance)} end at {moment(not_after)}."
        case RevokeKey(key=key):
            return f"Revoke the key {key}{_of(key, governance)}."
        case RevokeKeys(principal=principal):
            keys = keys_of(governance, principal)
            return f"Revoke all keys of {principal} ({counted(len(keys), 'key')})."
        case AddWriter(writer=writer):
            return f"Add the writer {writer.id}: its key seals the log from then on."
        case RetireWriter(writer=writer):
            return f"Retire the writer {writer}: its key seals nothing after that."
        case DefineGroup(group=group):
            return _define_group(group, governance)
        case DeleteGroup(group=group):
            return f"Delete group {group}."
        case AssignRole(assignment=assignment):
            return _assign(assignment, difference(change, governance), governance)
        case WithdrawRole(assignment=name):
            before = governance.assignments.get(name)
            return f"Withdraw {f'role assignment {name}' if before is None else _withdrawn(before)}."
        case ChangeSettings(settings=settings):
            return f"Change settings: {_becomes(settings_difference(governance.settings, settings))}."
        case CreatePolicy(policy=policy):
            asks = policy_sentence(policy, governance)
            return f"Create policy {policy.id} for {policy.resource_type}: {asks}"
        case EditPolicy(policy=policy):
            return f"Edit policy {policy.id}: {_becomes(difference(change, governance))}."
        case DeletePolicy(policy=name):
            return _delete_policy(name, governance)
        case SyncDirectory(difference=directory):
            return f"Synchronise the directory: {_synchronised(directory, governance)}."
        case CorrectTime(to=to):
            return f"Set log time back to {moment(to)}, wherever it is later."
        case _:
            assert_never(change)


def _account(account: Account) -> str:
    name = f" ({account.name})" if account.name else ""
    if account.person is None:
        return f"{account.id}{name}, a service"
    return f"{account.id}{name}, an account of the person {account.person}"


def _until(not_after: int) -> str:
    return "for ever" if not_after >= FOR_EVER_MS else f"until {moment(not_after)}"


def _of(key: str, governance: Governance) -> str:
    found = governance.keys.get(key)
    return "" if found is None else f" of {found.principal}"


def _named(names: list[str]) -> str:
    if len(names) <= _NAMED_MAX:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_MAX])} and {len(names) - _NAMED_MAX:,} more"


def _define_group(group: Group, governance: Governance) -> str:
    before = governance.groups.get(group.id)
    if before is None:
        members = counted(len(group.members), "member")
        return (
            f"Make group {group.id} with {members}{': ' if group.members else ''}{_named([*group.members])}."
        )
    added = sorted(set(group.members) - set(before.members))
    removed = sorted(set(before.members) - set(group.members))
    parts = [
        *([f"add {_named(added)}"] if added else []),
        *([f"remove {_named(removed)}"] if removed else []),
        *([f"name {before.name!r} becomes {group.name!r}"] if before.name != group.name else []),
    ]
    return f"Change group {group.id}: {'; '.join(parts) or 'nothing'}."


def _assign(assignment: RoleAssignment, lines: tuple[Line, ...], governance: Governance) -> str:
    if assignment.id in governance.assignments:
        return f"Change role assignment {assignment.id} ({assignment.role}): {_becomes(lines)}."
    return f"Give the role {assignment.role}{_for(assignment)} to {holders_text(assignment)}."


def _withdrawn(assignment: RoleAssignment) -> str:
    return f"the role {assignment.role}{_for(assignment)} from {holders_text(assignment)} ({assignment.id})"


def _for(assignment: RoleAssignment) -> str:
    return f" for {', '.join(assignment.resource_types)}" if assignment.resource_types else ""


def _becomes(lines: tuple[Line, ...]) -> str:
    said: list[str] = []
    for line in lines:
        if line.before is None:
            said.append(f"{line.field} {line.after} is added")
        elif line.after is None:
            said.append(f"{line.field} {line.before} goes")
        else:
            said.append(f"{line.field} {line.before} becomes {line.after}")
    return "; ".join(said) or "nothing"


def _delete_policy(name: str, governance: Governance) -> str:
    policy = governance.policies.get(name)
    if policy is None:
        return f"Delete policy {name}."
    kind = policy.resource_type
    if any(each.resource_type == kind and each.id != name for each in governance.policies.values()):
        return f"Delete policy {name}: other policies still protect {kind}."
    unprotected = governance.settings.unprotected == "pass"
    then = "go through without approval" if unprotected else "are refused"
    return f"Delete policy {name}: changes to {kind} {then} from then on."


def _synchronised(directory: DirectoryDifference, governance: Governance) -> str:
    new = sum(account.id not in governance.principals for account in directory.accounts)
    new_groups = sum(group.id not in governance.groups for group in directory.groups)
    counts = (
        (new, "new person", "new people"),
        (len(directory.accounts) - new, "changed person", "changed people"),
        (len(directory.vanished), "vanished person", "vanished people"),
        (new_groups, "new group", None),
        (len(directory.groups) - new_groups, "changed group", None),
        (len(directory.vanished_groups), "vanished group", None),
    )
    return ", ".join(counted(number, one, many) for number, one, many in counts if number) or "nothing"
