"""Reads a file into an Export: JSON or CSV, by how it begins."""

import csv
import io
from pathlib import Path

import msgspec

from assent.directory.directory_export import (
    EXPORT_MAX_BYTES,
    Export,
    ExportError,
    NestedGroup,
    User,
    checked_export,
)

_COLUMNS = ("kind", "id", "person", "name", "member_of")
_MAY_MISS = ("active",)
_YES_NO = {"": True, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class _UserRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    person: str
    name: str = ""
    active: bool = True


class _GroupRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str = ""
    members: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    users: tuple[_UserRow, ...]
    groups: tuple[_GroupRow, ...] = ()


def read_export(path: Path) -> Export:
    """Read a file. Raises ExportError, OSError."""
    with path.open("rb") as file:
        content = file.read(EXPORT_MAX_BYTES + 1)
    return parse_export(content)


def parse_export(content: bytes) -> Export:
    """JSON when the first character is `{`, otherwise CSV. Raises ExportError."""
    if len(content) > EXPORT_MAX_BYTES:
        raise ExportError(f"It is larger than {EXPORT_MAX_BYTES:,} bytes.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExportError(f"line {line}: it is not UTF-8.") from error
    return checked_export(_from_json(text) if text.lstrip().startswith("{") else _from_csv(text))


def _from_json(text: str) -> Export:
    try:
        file = msgspec.json.decode(text, type=_File)
    except msgspec.ValidationError as error:
        raise ExportError(_with_place(str(error))) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ExportError(f"line {_line_of(text)}: it is not JSON: {error}.") from error
    return Export(
        users=tuple(
            User(id=row.id, person=row.person, name=row.name, active=row.active, place=f"users[{number}]")
            for number, row in enumerate(file.users)
        ),
        groups=tuple(
            NestedGroup(
                id=row.id, name=row.name, members=row.members, groups=row.groups, place=f"groups[{number}]"
            )
            for number, row in enumerate(file.groups)
        ),
    )


def _with_place(message: str) -> str:
    what, _, path = message.partition(" - at `$")
    return f"{path.removeprefix('.').rstrip('`') or 'the file'}: {what}."


def _line_of(text: str) -> int:
    # msgspec reports a byte; the standard library's reader reports the line.
    import json

    try:
        # Numbers are not parsed: Python refuses long ones with another error.
        json.loads(text, parse_int=len, parse_float=len)
    except json.JSONDecodeError as error:
        return error.lineno
    except RecursionError:
        pass
    return 1


def _from_csv(text: str) -> Export:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    users: list[User] = []
    groups: dict[str, NestedGroup] = {}
    parents: list[tuple[str, str, str, bool]] = []
    try:
        columns = _header(next(reader, []))
        for cells in reader:
            if cells:
                _take(_row(columns, cells, reader.line_num), reader.line_num, users, groups, parents)
    except csv.Error as error:
        raise ExportError(f"line {reader.line_num}: it is not CSV: {error}.") from error
    return Export(users=tuple(users), groups=_nested(groups, parents))


def _header(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in _COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in (*_COLUMNS, *_MAY_MISS)]
    if missing or unknown or len(set(columns)) != len(columns):
        raise ExportError(
            f"line 1: the header names the columns {', '.join(_COLUMNS)}, and {_MAY_MISS[0]} if there is one,"
            f" each once; here it is {','.join(cells)[:200]!r}."
        )
    return columns


def _row(columns: list[str], cells: list[str], line: int) -> dict[str, str]:
    if len(cells) != len(columns):
        raise ExportError(f"line {line}: it has {len(cells)} cells, and the header {len(columns)}.")
    return dict(zip(columns, (cell.strip() for cell in cells), strict=True))


def _take(
    row: dict[str, str],
    line: int,
    users: list[User],
    groups: dict[str, NestedGroup],
    parents: list[tuple[str, str, str, bool]],
) -> None:
    place, name = f"line {line}", row["id"]
    if not name:
        raise ExportError(f"{place}: the id is empty.")
    active = _YES_NO.get(row.get("active", "").lower())
    if active is None:
        raise ExportError(f"{place}: active is true or false, not {row['active']!r}.")
    is_user = row["kind"] == "user"
    if is_user:
        if not row["person"]:
            raise ExportError(f"{place}: the user {name!r} has no person.")
        users.append(User(id=name, person=row["person"], name=row["name"], active=active, place=place))
    elif row["kind"] == "group":
        if name in groups:
            raise ExportError(f"{place}: the group {name!r} appears twice, first at {groups[name].place}.")
        groups[name] = NestedGroup(id=name, name=row["name"], place=place)
    else:
        raise ExportError(f"{place}: kind is user or group, not {row['kind']!r}.")
    parents += [(place, name, each.strip(), is_user) for each in row["member_of"].split(";") if each.strip()]


def _nested(
    groups: dict[str, NestedGroup], parents: list[tuple[str, str, str, bool]]
) -> tuple[NestedGroup, ...]:
    members: dict[str, list[str]] = {name: [] for name in groups}
    inner: dict[str, list[str]] = {name: [] for name in groups}
    for place, name, parent, is_user in parents:
        if parent not in groups:
            raise ExportError(f"{place}: {name!r} is a member of {parent!r}, which is not exported.")
        (members if is_user else inner)[parent].append(name)
    return tuple(
        msgspec.structs.replace(group, members=tuple(members[group.id]), groups=tuple(inner[group.id]))
        for group in groups.values()
    )
