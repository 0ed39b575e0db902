"""What has to change so that governance says what an export says, and in which steps. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from assent.core.governance.state import Governance
from assent.directory.export import Export, ExportError
from assent.directory.nesting import flattened
from assent_contracts.governed import Account, DirectoryDifference, Group

PART_MAX_BYTES = 200 * 1024
"""A larger difference is sent in several changes: a request's payload has at most 256 KiB."""
_ENVELOPE_BYTES = 512


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
