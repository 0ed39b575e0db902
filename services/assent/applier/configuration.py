"""The file that configures an applier: what it changes, and within which limits."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from assent.applier.targets.command.table import CommandTable
from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.git.table import GitTable
from assent.applier.targets.http.table import HttpTable
from assent.applier.targets.sql.table import SqlTable
from assent.process_settings import SettingsError, need
from assent_contracts.limits import PAYLOAD_MAX_BYTES
from assent_contracts.resources import RESOURCE_TYPE_PATTERN

FILE: Final = "ASSENT_APPLIER_FILE"
TARGET: Final = "ASSENT_TARGET"
FILE_MAX_BYTES: Final = 1024 * 1024
Kind = Literal["files", "git", "http", "sql", "command"]
TABLES: Final[Mapping[Kind, type[msgspec.Struct]]] = {
    "files": FilesTable,
    "git": GitTable,
    "http": HttpTable,
    "sql": SqlTable,
    "command": CommandTable,
}
"""The kinds of targets. Each has a table of its name."""

TypeName = Annotated[str, Meta(pattern=f"^{RESOURCE_TYPE_PATTERN}$")]
Table = FilesTable | GitTable | HttpTable | SqlTable | CommandTable


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands beside the kind's own table.

    Each field's docstring is its line in the documentation.
    """

    kind: Kind
    """What the applier changes: `files`, `git`, `http`, `sql` or `command`. The table of this name is
    required.
    """
    types: Annotated[tuple[TypeName, ...], Meta(min_length=1, max_length=1_000)] | None = None
    """The resource types that it applies. If absent, those for which its account has the role applier."""
    concurrency: Annotated[int, Meta(ge=1, le=256)] = 8
    """How many changes it makes at the same time. Changes to one object are made one after another."""
    timeout_s: Annotated[float, Meta(ge=0.1, le=3_600)] = 60.0
    """How long one try to make a change may take."""
    time_limit_s: Annotated[float, Meta(ge=1, le=86_400)] = 900.0
    """How long all tries of a change may take together. Its lease is renewed until then."""
    payload_max_bytes: Annotated[int, Meta(ge=1, le=PAYLOAD_MAX_BYTES)] = PAYLOAD_MAX_BYTES
    """The largest payload. A change with a larger one fails."""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """An applier's configuration."""

    limits: Limits
    table: Table


def configuration_of(file: Path | None, target: Path | None) -> Configuration:
    """What the file says; without one, the folder `target`. Raises SettingsError."""
    if file is not None:
        return read_configuration(file)
    folder = need(target, f"{FILE}, or {TARGET} for a folder")
    return Configuration(limits=Limits(kind="files"), table=FilesTable(folder=str(folder.absolute())))


def read_configuration(file: Path) -> Configuration:
    """The configuration in a TOML file. Raises SettingsError, which lists every fault with its place."""
    try:
        content = file.read_bytes()[: FILE_MAX_BYTES + 1]
        document = tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        msg = f"{FILE}: {file} cannot be read: {why}"
        raise SettingsError(msg) from error
    if len(content) > FILE_MAX_BYTES:
        msg = f"{FILE}: {file} has more than {FILE_MAX_BYTES} bytes."
        raise SettingsError(msg)
    faults: list[str] = []
    of_kinds: dict[str, Any] = {kind: document.pop(kind) for kind in TABLES if kind in document}
    limits = _convert(document, Limits, "", faults)
    tables = {kind: _convert(part, TABLES[kind], f"{kind}.", faults) for kind, part in of_kinds.items()}  # type: ignore[index]
    table = None if limits is None else tables.pop(limits.kind, None)
    if limits is not None and limits.kind not in of_kinds:
        faults.append(f"[{limits.kind}]: this table is required, because of `kind`")
    faults += [f"[{kind}]: the kind is another one" for kind in tables if limits is not None]
    if faults or limits is None or table is None:
        raise SettingsError(
            "\n".join([f"{file} is not a valid configuration:", *(f"- {each}" for each in faults)])
        )
    return Configuration(limits=limits, table=table)


def _convert(document: Any, to: Any, place: str, faults: list[str]) -> Any:
    try:
        return msgspec.convert(document, to)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$.")
        faults.append(f"{place}{path.removesuffix('`')}: {said}" if path else f"{place}{said}")
        return None
