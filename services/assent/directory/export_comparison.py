"""What has to change in governance for it to match an export, and in which steps. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from assent.directory.directory_export import Export, User
from assent.directory.nested_groups import flattened
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Account, DirectoryDifference, Group
from assent_contracts.limits import MEMBERS_MAX

PART_MAX_BYTES = 200 * 1024
"""A larger difference is sent in several changes, because a request's payload has at most 256 KiB."""
_ENVELOPE_BYTES = 512


class LeftOut(msgspec.Struct, frozen=True):
    """A user or a group that governance cannot take from the directory, and why."""

    id: str
    why: str


def usable_export(export: Export, governance: Governance) -> tuple[Export, tuple[LeftOut, ...]]:
    """The export without the users whose ids belong to other people here. They are reported, not added.

    An id is never used again. Without this, an id that was registered by hand or for another person would
    block the whole directory for good. An account whose person has changed counts as vanished.
    """
    spelt: dict[str, str] = {}
    left_out = tuple(
        LeftOut(user.id, why)
        for user in export.users
        if (why := _stands_for_another(user, governance) or _differs_in_case(user, governance, spelt))
    )
    names = {each.id for each in left_out}
    return (
        Export(
            users=tuple(user for user in export.users if user.id not in names),
            groups=tuple(
                msgspec.structs.replace(
                    group, members=tuple(member for member in group.members if member not in names)
                )
                for group in export.groups
            ),
        ),
        left_out,
    )


def _stands_for_another(user: User, governance: Governance) -> str:
    before = governance.principals.get(user.id)
    if before is None or not user.active:
        return ""
    if before.account.source != "directory":
        return f"{user.place}: an account {user.id} was registered by hand; give this user another id"
    if before.person != user.person:
        return (
            f"{user.place}: {user.id} is the account of the person {before.person} here,"
            f" not of {user.person}; give this user another id"
        )
    return ""


def _differs_in_case(user: User, governance: Governance, spelt: dict[str, str]) -> str:
    """Why an id of this user exists already in another spelling; notes both ids in `spelt`."""
    if not user.active:
        return ""
    for what, name, there in (
        ("id", user.id, governance.account_spelt),
        ("person", user.person, governance.person_spelt),
    ):
        other = there.get(name.lower()) or spelt.setdefault(f"{what} {name.lower()}", name)
        if other != name:
            return (
                f"{user.place}: the {what} {name} differs from {other} in case only; write both the same way"
            )
    return ""


def fitting_difference(
    difference: DirectoryDifference, governance: Governance, *, max_bytes: int = PART_MAX_BYTES
) -> tuple[DirectoryDifference, tuple[LeftOut, ...]]:
    """The difference without what is too large for one change, and a list of what was left out.

    Members who left a group are removed even if the group is left out: the smaller group fits.
    """
    groups: list[Group] = []
    left_out: list[LeftOut] = []
    for group in difference.groups:
        why = _too_large(group, max_bytes)
        if not why:
            groups.append(group)
            continue
        left_out.append(LeftOut(group.id, f"group {group.id}: {why}; split it into groups that are smaller"))
        before = governance.groups.get(group.id)
        smaller = None if before is None else _without_leavers(before, group)
        if smaller is not None:
            groups.append(smaller)
    return msgspec.structs.replace(difference, groups=tuple(groups)), tuple(left_out)


def _too_large(group: Group, max_bytes: int) -> str:
    if len(group.members) > MEMBERS_MAX:
        return f"it has {len(group.members):,} members, and a group has at most {MEMBERS_MAX:,}"
    needed = _size_of(group) + _ENVELOPE_BYTES
    return f"it has {needed:,} bytes, and one change at most {max_bytes:,}" if needed > max_bytes else ""


def _without_leavers(before: Group, now: Group) -> Group | None:
    """The group as it is, without the members who left it; None when no one did."""
    members = set(now.members)
    stay = tuple(each for each in before.members if each in members)
    if len(stay) == len(before.members):
        return None
    paths = {member: path for member, path in before.paths.items() if member in members}
    return msgspec.structs.replace(before, members=stay, paths=paths)


def directory_difference(export: Export, governance: Governance) -> DirectoryDifference:
    """The difference. Only what came from the directory is ever removed. Raises ExportError."""
    groups = flattened(export)
    active = {user.id: user for user in export.users if user.active}
    accounts = (
        Account(id=user.id, kind="human", person=user.person, name=user.name, source="directory")
        for user in active.values()
    )
    return DirectoryDifference(
        accounts=tuple(account for account in accounts if _is_different(account, governance)),
        vanished=tuple(
            name
            for name, principal in governance.principals.items()
            if principal.account.source == "directory" and principal.enabled and name not in active
        ),
        groups=tuple(
            group for group in groups.values() if not _is_so(group, governance.groups.get(group.id))
        ),
        vanished_groups=tuple(
            name
            for name, group in governance.groups.items()
            if group.source == "directory" and name not in groups
        ),
    )


def _is_different(account: Account, governance: Governance) -> bool:
    before = governance.principals.get(account.id)
    return before is None or before.vanished or before.account != account


def _is_so(group: Group, before: Group | None) -> bool:
    return (
        before is not None
        and (before.name, before.source, before.paths) == (group.name, group.source, group.paths)
        and set(before.members) == set(group.members)
    )


def parts(
    difference: DirectoryDifference, *, max_bytes: int = PART_MAX_BYTES, leavers_last: bool = False
) -> tuple[DirectoryDifference, ...]:
    """The difference in changes that fit, to be made in this order. Each item of it must fit.

    Members who left come first, so that they are disabled whatever becomes of the rest, unless
    `leavers_last`.
    """
    made: list[DirectoryDifference] = []
    current: dict[str, list[Any]] = {}
    size = _ENVELOPE_BYTES
    for field, item in _items(difference, leavers_last=leavers_last):
        needed = _size_of(item)
        if size + needed > max_bytes:
            made.append(_part(current))
            current, size = {}, _ENVELOPE_BYTES
        current.setdefault(field, []).append(item)
        size += needed
    return (*made, _part(current)) if current else tuple(made)


def _size_of(item: Any) -> int:
    """How many bytes an item takes in a change, including the separator."""
    return len(msgspec.json.encode(item)) + 1


def _items(difference: DirectoryDifference, *, leavers_last: bool) -> Iterator[tuple[str, Any]]:
    rest = ("accounts", "groups", "vanished_groups")
    for field in (*rest, "vanished") if leavers_last else ("vanished", *rest):
        for item in getattr(difference, field):
            yield field, item


def _part(fields: dict[str, list[Any]]) -> DirectoryDifference:
    return DirectoryDifference(**{name: tuple(items) for name, items in fields.items()})
