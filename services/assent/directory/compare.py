"""What has to change so that governance says what an export says, and in which steps. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from assent.core.governance.state import Governance
from assent.directory.export import Export, ExportError, User
from assent.directory.nesting import flattened
from assent_contracts.governed import Account, DirectoryDifference, Group

PART_MAX_BYTES = 200 * 1024
"""A larger difference is sent in several changes: a request's payload has at most 256 KiB."""
_ENVELOPE_BYTES = 512


class LeftOut(msgspec.Struct, frozen=True):
    """A user whom governance cannot take over from the directory, and why."""

    id: str
    why: str


def usable(export: Export, governance: Governance) -> tuple[Export, tuple[LeftOut, ...]]:
    """The export without the users whose ids stand for somebody else here, who are not let in by it.

    An id is never used again, so one that was registered by hand, or for another person, would otherwise hold
    up the whole directory for good. An account whose person has become another one counts as vanished.
    """
    left_out = tuple(
        LeftOut(user.id, why) for user in export.users if (why := _stands_for_another(user, governance))
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


def directory_difference(export: Export, governance: Governance) -> DirectoryDifference:
    """The difference; only what the directory brought is ever taken away. Raises ExportError."""
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
    difference: DirectoryDifference, *, max_bytes: int = PART_MAX_BYTES
) -> tuple[DirectoryDifference, ...]:
    """The difference in changes that fit, to be made in this order: who comes first, who goes last.

    Raises ExportError for a group that is too large for one change.
    """
    made: list[DirectoryDifference] = []
    current: dict[str, list[Any]] = {}
    size = _ENVELOPE_BYTES
    for field, item in _items(difference):
        needed = len(msgspec.json.encode(item)) + 1
        if needed + _ENVELOPE_BYTES > max_bytes:
            raise ExportError(
                f"{getattr(item, 'id', item)!r} has {needed:,} bytes: too large for one change."
            )
        if size + needed > max_bytes:
            made.append(_part(current))
            current, size = {}, _ENVELOPE_BYTES
        current.setdefault(field, []).append(item)
        size += needed
    return (*made, _part(current)) if current else tuple(made)


def _items(difference: DirectoryDifference) -> Iterator[tuple[str, Any]]:
    for field in ("accounts", "groups", "vanished_groups", "vanished"):
        for item in getattr(difference, field):
            yield field, item


def _part(fields: dict[str, list[Any]]) -> DirectoryDifference:
    return DirectoryDifference(**{name: tuple(items) for name, items in fields.items()})
