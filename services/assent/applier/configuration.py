"""The file that configures an applier: what it changes, and within which limits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from assent.applier.targets.command.table import CommandTable
from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.git.table import GitTable
from assent.applier.targets.http.table import HttpTable
from assent.applier.targets.sql.table import SqlTable
from assent.configuration_file import faulty, fields_and_table, read_toml
from assent.process_settings import need
from assent_contracts.limits import PAYLOAD_MAX_BYTES
from assent_contracts.resources import RESOURCE_TYPE_PATTERN

FILE: Final = "ASSENT_APPLIER_FILE"
TARGET: Final = "ASSENT_TARGET"
Kind = Literal["files", "git", "http", "sql", "command"]
TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
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
    limits, table, faults = fields_and_table(read_toml(file, variable=FILE), Limits, TABLES)
    if faults or limits is None:
        raise faulty(file, faults)
    return Configuration(limits=limits, table=table)
