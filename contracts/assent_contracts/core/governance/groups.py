"""Groups: who is in them. Told apart by id, never by name."""

from assent_contracts import limits
from assent_contracts.core.governance.fields import bad_id, bad_text, out_of_date, refuse, twice
from assent_contracts.core.governance.policies import approver_groups
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance import GovernanceEvent, GroupDefined, GroupDeleted
from assent_contracts.governance_changes import DefineGroup, DeleteGroup, group_object
from assent_contracts.governed import Group
from assent_contracts.refusals import Refusal, RefusalCode

_USERS_NAMED = 5


def bad_group(group: Group) -> Refusal | None:
    """The refusal of a group's own fields; None when all are good."""
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
    """The whole list of members; a group of the directory is changed there."""
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
    """Only a group that nothing names."""
    bad = out_of_date(governance, group_object(change.group), change.version)
    if bad is not None:
        return bad
    if governance.groups[change.group].source != "manual":
        return _of_directory(change.group)
    return group_in_use(governance, change.group) or (GroupDeleted(group=change.group),)


def group_in_use(governance: Governance, group: str) -> Refusal | None:
    """The refusal of taking a group away that a policy or a role assignment names."""
    users = [
        *(f"policy {each.id}" for each in governance.policies.values() if group in approver_groups(each)),
        *(f"role assignment {each.id}" for each in governance.assignments.values() if group in each.groups),
    ]
    if not users:
        return None
    return refuse(RefusalCode.IN_USE, f"group {group} is named by {', '.join(users[:_USERS_NAMED])}.")


def _of_directory(group: str) -> Refusal:
    return refuse(RefusalCode.OF_DIRECTORY, f"group {group} is the directory's.")
