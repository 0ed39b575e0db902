"""Groups and their members. A group is identified by its id, never by its name."""

from typing import Final

from assent_contracts import limits
from assent_contracts.core.governance.change_rules import ChangeRules, defines, deletes
from assent_contracts.core.governance.field_changes import FieldChange, changed_fields
from assent_contracts.core.governance.field_limits import bad_id, bad_text, out_of_date, refuse, twice
from assent_contracts.core.governance.number_words import counted, named
from assent_contracts.core.governance.roles import GUARDED_ROLES
from assent_contracts.core.governance.satisfiability import approver_groups
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import DefineGroup, DeleteGroup, group_object
from assent_contracts.governance_messages import GovernanceEvent, GroupDefined, GroupDeleted
from assent_contracts.governance_objects import Group
from assent_contracts.refusals import Refusal, RefusalCode

_USERS_NAMED = 5


def bad_group(group: Group) -> Refusal | None:
    """The refusal of a group's own fields; None if all are good."""
    bad = bad_id("group", group.id) or bad_text(
        f"group {group.id}: the name", group.name, limits.NAME_MAX_CHARS
    )
    if bad is not None:
        return bad
    if len(group.members) > limits.MEMBERS_MAX:
        return refuse(RefusalCode.TOO_LARGE, f"group {group.id}: at most {limits.MEMBERS_MAX:,} members.")
    repeated = twice(group.members)
    if repeated is not None:
        return refuse(RefusalCode.MALFORMED, f"group {group.id}: {repeated[:128]!r} is in it twice.")
    return _bad_paths(group)


def _bad_paths(group: Group) -> Refusal | None:
    members = frozenset(group.members)
    for member, path in group.paths.items():
        if member not in members or not path or len(path) > limits.NESTING_MAX:
            return refuse(
                RefusalCode.MALFORMED,
                f"group {group.id}: a path has 1 to {limits.NESTING_MAX} groups and leads to a member.",
            )
        if group.id in path or twice(path) is not None:
            return refuse(RefusalCode.MALFORMED, f"group {group.id}: it is nested in itself.")
        for name in path:
            bad = bad_id(f"group {group.id}: on a path, group", name)
            if bad is not None:
                return bad
    return None


def unknown_member(governance: Governance, group: Group) -> Refusal | None:
    """The refusal of a member who is not a principal."""
    for member in group.members:
        if member not in governance.principals:
            return refuse(
                RefusalCode.UNKNOWN_OBJECT, f"group {group.id}: there is no principal {member[:128]!r}."
            )
    return None


def define_group(governance: Governance, change: DefineGroup) -> tuple[GovernanceEvent, ...] | Refusal:
    """Define a group by its full list of members. A group of the directory is changed in the directory."""
    group = change.group
    before = governance.groups.get(group.id)
    bad = bad_group(group) or out_of_date(governance, group_object(group.id), change.version)
    if bad is not None:
        return bad
    if group.source != "manual" or group.paths or (before is not None and before.source != "manual"):
        return _of_directory(group.id)
    if group == before:
        return refuse(RefusalCode.ALREADY_SO, f"group {group.id} is so already.")
    return unknown_member(governance, group) or (GroupDefined(group=group),)


def delete_group(governance: Governance, change: DeleteGroup) -> tuple[GovernanceEvent, ...] | Refusal:
    """Delete a group that no policy and no role assignment names."""
    bad = out_of_date(governance, group_object(change.group), change.version)
    if bad is not None:
        return bad
    if governance.groups[change.group].source != "manual":
        return _of_directory(change.group)
    return group_in_use(governance, change.group) or (GroupDeleted(group=change.group),)


def group_in_use(governance: Governance, group: str) -> Refusal | None:
    """The refusal of deleting a group that a policy or a role assignment names."""
    users = [
        *(f"policy {each.id}" for each in governance.policies.values() if group in approver_groups(each)),
        *(f"role assignment {each.id}" for each in governance.assignments.values() if group in each.groups),
    ]
    if not users:
        return None
    return refuse(RefusalCode.IN_USE, f"group {group} is named by {', '.join(users[:_USERS_NAMED])}.")


def _of_directory(group: str) -> Refusal:
    return refuse(RefusalCode.OF_DIRECTORY, f"group {group} is the directory's.")


def is_guarded_group(governance: Governance, group: str) -> bool:
    """Whether members of the group decide on changes, because a policy or a guarded role names it."""
    return any(group in approver_groups(policy) for policy in governance.policies.values()) or any(
        group in assignment.groups
        for assignment in governance.assignments.values()
        if assignment.role in GUARDED_ROLES
    )


def _why_approval(governance: Governance, group: str) -> str | None:
    return f"group {group} decides on changes" if is_guarded_group(governance, group) else None


def _definition(group: Group, governance: Governance) -> str:
    before = governance.groups.get(group.id)
    if before is None:
        members = counted(len(group.members), "member")
        return (
            f"Make group {group.id} with {members}{': ' if group.members else ''}{named([*group.members])}."
        )
    added = sorted(set(group.members) - set(before.members))
    removed = sorted(set(before.members) - set(group.members))
    parts = [
        *([f"add {named(added)}"] if added else []),
        *([f"remove {named(removed)}"] if removed else []),
        *([f"name {before.name!r} becomes {group.name!r}"] if before.name != group.name else []),
    ]
    return f"Change group {group.id}: {'; '.join(parts) or 'nothing'}."


def group_difference(before: Group | None, after: Group | None) -> tuple[FieldChange, ...]:
    """The name and the members of a group that differ."""
    was, will = _members(before), _members(after)
    return (
        *changed_fields(("name", _name(before), _name(after))),
        *(FieldChange("member", None, name) for name in sorted(will - was)),
        *(FieldChange("member", name, None) for name in sorted(was - will)),
    )


def _members(group: Group | None) -> set[str]:
    return set() if group is None else set(group.members)


def _name(group: Group | None) -> str | None:
    return None if group is None else group.name or None


DEFINE_GROUP: Final = ChangeRules[DefineGroup](
    decide=lambda governance, change, _at: define_group(governance, change),
    operation=defines,
    sentence=lambda change, governance: _definition(change.group, governance),
    difference=lambda change, governance: group_difference(
        governance.groups.get(change.group.id), change.group
    ),
    why_approval=lambda governance, change, _asker: _why_approval(governance, change.group.id),
    brings_in=True,
)
DELETE_GROUP: Final = ChangeRules[DeleteGroup](
    decide=lambda governance, change, _at: delete_group(governance, change),
    operation=deletes,
    sentence=lambda change, _: f"Delete group {change.group}.",
    difference=lambda change, governance: group_difference(governance.groups.get(change.group), None),
    why_approval=lambda governance, change, _asker: _why_approval(governance, change.group),
)
