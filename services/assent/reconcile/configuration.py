"""The file that configures a reconciler: the target, or several, and how often it is read."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from assent.applier.targets.content import TEXT_TYPES
from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.git.table import GitTable
from assent.applier.targets.http.table import HeaderName, Host, OAuth, Pointer
from assent.applier.targets.paths import AbsolutePath
from assent.applier.targets.secrets import Secret
from assent.applier.targets.sql.table import Seconds
from assent.configuration_file import faulty, fields_and_table, read_toml
from assent_contracts.limits import RESOURCE_ID_MAX_CHARS, RESOURCE_TYPE_MAX_CHARS, TARGET_NAME_MAX_CHARS
from assent_contracts.resources import RESOURCE_TYPE_PATTERN

FILE: Final = "ASSENT_RECONCILE_FILE"
Kind = Literal["files", "git", "http", "sql"]
TARGETS_MAX: Final = 100
"""How many targets one file can have."""
ObjectPattern = Annotated[
    str,
    Meta(
        pattern=rf"^{RESOURCE_TYPE_PATTERN}/.+$",
        max_length=RESOURCE_TYPE_MAX_CHARS + 1 + RESOURCE_ID_MAX_CHARS,
    ),
]
TypeName = Annotated[str, Meta(pattern=f"^{RESOURCE_TYPE_PATTERN}$")]
Commit = Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]


class GitHistory(GitTable, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A branch of a repository, with the fields of the applier's table.

    Each field's docstring is its line in the documentation.
    """

    since: Commit | None = None
    """The commit after which the history is read. Without it, from its beginning."""
    commits_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """How many commits are read at once. The others follow in the next run."""


class SqlListing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A database. At least one of `table` and `listing` is required.

    Each field's docstring is its line in the documentation.
    """

    dsn: Secret
    """Where the database's address is (`postgresql://USER:PASSWORD@HOST/NAME`), as `file:/path` or
    `env:NAME`. Its account needs to read only.
    """
    table: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$")] | None = None
    """The applier's table of applied releases, such as `public.assent_applied`. Without `listing`, a request
    that has no row there is missing.
    """
    listing: Annotated[str, Meta(min_length=1, max_length=65_536)] | None = None
    """A query with a row for each object. Its columns are `resource` (`<type>/<id>`), optionally `by`, and
    one of `version` (compared with the version that the applier reported), `xmin` (of the row, compared with
    the transaction that the SQL applier reported) or `digest` (compared with the SHA-256 of the payload).
    """
    statement_timeout_s: Seconds = 30.0
    """How long one statement may take."""


class HttpListing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of objects that an HTTP API answers as JSON. One of `version` and `digest` is required.

    Each field's docstring is its line in the documentation.
    """

    url: Annotated[str, Meta(pattern=r"^https?://[^\x00-\x20]+$", max_length=2_000)]
    """The list, read with GET."""
    hosts: Annotated[tuple[Host, ...], Meta(min_length=1, max_length=20)]
    """The only hosts that are connected to, as `name` or `name:port`."""
    items: Pointer
    """Where the list is in the answer, as a JSON pointer. The other pointers begin at one of its items."""
    object: Pointer
    """Where an item has the id of its object."""
    type: TypeName
    """The resource type of the objects."""
    version: Pointer | None = None
    """Where an item has its version, which is compared with the version that the applier reported."""
    digest: Pointer | None = None
    """Where an item has the SHA-256 (hex) of the payload that was applied."""
    by: Pointer | None = None
    """Where an item has who changed it last."""
    next: Pointer | None = None
    """Where the answer has the URL of the next page."""
    pages_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """How many pages are read. If there are more, nothing is compared."""
    bearer: Secret | None = None
    """A token for the header Authorization, as `file:/path` or `env:NAME`."""
    secret_headers: dict[HeaderName, Secret] = {}
    """More headers with secrets, and where these are."""
    oauth: OAuth | None = None
    """How a token is got, as the table `[http.oauth]`."""
    plain_http: bool = False
    """Whether `http://` is allowed."""
    private_addresses: bool = False
    """Whether the hosts may have addresses that are not public."""
    ca_file: AbsolutePath | None = None
    """The certificates to trust, in PEM. Without it, those of the system."""
    request_timeout_s: Annotated[float, Meta(ge=0.01, le=600)] = 30.0
    """How long one request may take."""
    answer_max_kib: Annotated[int, Meta(ge=1, le=16_384)] = 1_024
    """The largest answer that is read."""


Table = FilesTable | GitHistory | HttpListing | SqlListing
TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "files": FilesTable,
    "git": GitHistory,
    "http": HttpListing,
    "sql": SqlListing,
}


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands beside the kind's own table.

    Each field's docstring is its line in the documentation.
    """

    name: Annotated[str, Meta(pattern=rf"^[a-z0-9][a-z0-9._-]{{0,{TARGET_NAME_MAX_CHARS - 1}}}$")]
    """The name of the target in findings. Do not change it: under another name everything is new."""
    kind: Kind
    """What is read: `files`, `git`, `http` or `sql`. The table of this name is required."""
    types: Annotated[tuple[TypeName, ...], Meta(min_length=1, max_length=1_000)] | None = None
    """The resource types to look at. If absent, those for which its account has the role reconciler."""
    objects: Annotated[tuple[ObjectPattern, ...], Meta(min_length=1, max_length=1_000)] | None = None
    """The objects to look at, as patterns such as `script/web-*`. Where the objects of a type are at several
    targets, each target has its own. If absent, all objects of its types.
    """
    every_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    """How often the target is read."""
    timeout_s: Annotated[float, Meta(ge=1, le=3_600)] = 120.0
    """How long one reading of the target may take."""
    objects_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 100_000
    """How many objects the target may show. If there are more, nothing is compared."""
    findings_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """How many findings are reported at once. The others follow in the next run."""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciler's configuration."""

    common: Common
    table: Table

    @property
    def file_types(self) -> tuple[str, ...]:
        """The types whose payload is a file at the target."""
        return self.table.file_types if isinstance(self.table, FilesTable | GitTable) else TEXT_TYPES

    @property
    def of_git(self) -> bool:
        """Whether the target is a repository."""
        return isinstance(self.table, GitTable)

    def is_here(self, resource: str) -> bool:
        """Whether an object belongs to this target, by the patterns of the file."""
        objects = self.common.objects
        return objects is None or any(fnmatchcase(resource, each) for each in objects)


def read_configurations(file: Path) -> tuple[Configuration, ...]:
    """The targets in a TOML file: the one that it describes, or each one of its list `targets`.

    Raises SettingsError, which lists every fault with its place.
    """
    document = read_toml(file, variable=FILE)
    if "targets" not in document:
        found, faults = _read(document)
    else:
        found, faults = _read_list(document)
    if faults:
        raise faulty(file, faults)
    return tuple(found)


def _read(document: Mapping[str, Any]) -> tuple[list[Configuration], list[str]]:
    common, table, faults = fields_and_table(document, Common, TABLES)
    faults += _incomplete(table)
    return [] if common is None else [Configuration(common=common, table=table)], faults


def _read_list(document: Mapping[str, Any]) -> tuple[list[Configuration], list[str]]:
    listed: Any = document["targets"]
    if document.keys() != {"targets"}:
        return [], ["targets: with this list, every other field is in one of its targets"]
    if not isinstance(listed, list) or not 0 < len(listed) <= TARGETS_MAX:
        return [], [f"targets: 1 to {TARGETS_MAX} tables [[targets]]"]
    configurations: list[Configuration] = []
    faults: list[str] = []
    for number, each in enumerate(listed):
        if not isinstance(each, dict):
            faults.append(f"targets[{number}]: it is a table [[targets]]")
            continue
        found, wrong = _read(each)
        configurations += found
        faults += [f"targets[{number}].{fault}" for fault in wrong]
    names = [each.common.name for each in configurations]
    twice = sorted({name for name in names if names.count(name) > 1})
    return configurations, faults + [f"targets: {name} is the name of two" for name in twice]


def _incomplete(table: Any) -> list[str]:
    if isinstance(table, SqlListing) and table.table is None and table.listing is None:
        return ["sql.table: this or `listing` is required"]
    if isinstance(table, HttpListing) and (table.version is None) == (table.digest is None):
        return ["http.version: either this or `digest` is required"]
    return []
