"""The content of a directory export, and the error that names the place where it is wrong."""

import msgspec

EXPORT_MAX_BYTES = 32 * 1024 * 1024


class ExportError(Exception):
    """The export cannot be used; the message names the place in it, with its line where it has one."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A human's account. One that is not active is treated as absent."""

    id: str
    person: str
    name: str = ""
    active: bool = True
    place: str
    """Where the user is in the export, for messages."""


class NestedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group with its own members and the groups in it, all by id."""

    id: str
    name: str = ""
    members: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    place: str


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A whole export, each id once, in the order of the file."""

    users: tuple[User, ...]
    groups: tuple[NestedGroup, ...]


def checked_export(export: Export) -> Export:
    """The export, if each id is in it once and every member is too. Raises ExportError."""
    users, groups = _by_id(export.users, "user"), _by_id(export.groups, "group")
    for group in export.groups:
        for what, names, known in (("user", group.members, users), ("group", group.groups, groups)):
            for name in names:
                if name not in known:
                    raise ExportError(
                        f"{group.place}: group {group.id!r} names the {what} {name!r}, which is not exported."
                    )
    return export


def _by_id(rows: tuple[User, ...] | tuple[NestedGroup, ...], what: str) -> dict[str, str]:
    places: dict[str, str] = {}
    for row in rows:
        if row.id in places:
            raise ExportError(f"{row.place}: the {what} {row.id!r} appears twice, first at {places[row.id]}.")
        places[row.id] = row.place
    return places
