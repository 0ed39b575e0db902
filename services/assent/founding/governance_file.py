"""The governance file: people, permissions, and which types are protected. TOML.

See infra/demo/governance.toml for an example with the tables that a founding needs. `meaning` turns the
tables into settings and policies.
"""

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.access_policies import Completion, OnBehalf, Settlements, StaleBase
from assent_contracts.change_details import Demand
from assent_contracts.governance_objects import PrincipalKind, Role

FILE_MAX_BYTES = 4 * 1024 * 1024
_PLACE = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?\.?(.*)")
_Quorum = Annotated[int, Meta(ge=0, le=limits.QUORUM_MAX)]
_Time = Annotated[int, Meta(ge=0, le=limits.FOR_EVER_MS)]


class GovernanceFileError(Exception):
    """The file cannot be used; the message names the place in it."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SettingsTable(_Table, frozen=True, kw_only=True):
    """Durations are written `30d`, `12h`, `5m`, `90s` or `500ms`."""

    expiry: str = "30d"
    lease: str = "5m"
    visibility: str = "30d"
    allow_unlicensed_admins: bool = False
    unprotected: Literal["refuse", "pass"] = "refuse"
    open_requests_max: Annotated[int, Meta(ge=1, le=limits.OPEN_REQUESTS_MAX)] = 100_000
    commands_per_minute: Annotated[int, Meta(ge=1, le=limits.COMMANDS_PER_MINUTE_MAX)] = 60_000
    remembered_commands: Annotated[int, Meta(ge=1, le=limits.REMEMBERED_COMMANDS_MAX)] = 2_000_000
    vanish_max_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    governance_own_signature: bool = True


class PrincipalTable(_Table, frozen=True, kw_only=True):
    """An account; `person` for humans only, `operator` (R25: a human's account) for services only."""

    id: str
    kind: PrincipalKind
    person: str | None = None
    name: str = ""
    operator: str | None = None


class KeyTable(_Table, frozen=True, kw_only=True):
    """A public key (base64url) and its principal. `assent keys new` prints one."""

    id: str
    principal: str
    public_key: str
    not_before: _Time = 0
    not_after: _Time = limits.FOR_EVER_MS


class GroupTable(_Table, frozen=True, kw_only=True):
    """A group and the principals in it."""

    id: str
    name: str = ""
    members: tuple[str, ...] = ()


class RoleTable(_Table, frozen=True, kw_only=True):
    """A role for groups and principals, for every resource type unless some are named."""

    role: Role
    groups: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()


class ApprovalTable(_Table, frozen=True, kw_only=True):
    """A quorum of people out of these groups."""

    quorum: _Quorum = 1
    groups: tuple[str, ...]


class FreezeTable(_Table, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """R27: a freeze period. Times are those of TOML, with a zone: 2026-12-20T00:00:00Z."""

    start: Annotated[datetime, Meta(tz=True)]
    end: Annotated[datetime, Meta(tz=True)]
    reason: str


class PolicyTable(_Table, frozen=True, kw_only=True):
    """R2: an access policy. Its approvers are given by `approver_groups` and `quorum`, or by `approvals`."""

    id: str
    name: str
    description: str = ""
    resource_type: str
    approver_groups: tuple[str, ...] | None = None
    quorum: _Quorum | None = None
    approvals: tuple[ApprovalTable, ...] | None = None
    rejections: _Quorum = 1
    completion: Completion = "requester"
    expiry: str | None = None
    own_signature: bool = False
    on_behalf_of: OnBehalf = "optional"
    separate_operator: bool = False
    stale_base: StaleBase = "show"
    freezes: tuple[FreezeTable, ...] = ()
    emergency_passes_freeze: bool = False
    demands: tuple[Demand, ...] = ()
    settlements: Settlements = 1
    excluded_groups: tuple[str, ...] = ()


class GovernanceFile(_Table, frozen=True, kw_only=True):
    """The whole file."""

    recovery_key: str | None = None
    """The public key (base64url) that can add and retire writers alone; `assent init` makes one if absent."""
    settings: SettingsTable = msgspec.field(default_factory=SettingsTable)
    principals: tuple[PrincipalTable, ...] = ()
    keys: tuple[KeyTable, ...] = ()
    groups: tuple[GroupTable, ...] = ()
    roles: tuple[RoleTable, ...] = ()
    policies: tuple[PolicyTable, ...] = ()


def read_governance_file(path: Path) -> GovernanceFile:
    """Read a file and check its form. The rules check its meaning. Raises GovernanceFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise GovernanceFileError(msg) from error
    if len(content) > FILE_MAX_BYTES:
        msg = f"{path} is larger than {FILE_MAX_BYTES:,} bytes."
        raise GovernanceFileError(msg)
    return parse_governance_file(content, str(path))


def parse_governance_file(content: bytes, name: str) -> GovernanceFile:
    """The tables of a file; `name` is for messages. Raises GovernanceFileError."""
    try:
        parsed = msgspec.toml.decode(content, type=GovernanceFile)
    except msgspec.ValidationError as error:
        msg = f"{name}: {_with_place(str(error))}"
        raise GovernanceFileError(msg) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{name} is not TOML: {error}."
        raise GovernanceFileError(msg) from error
    for table in ("principals", "keys", "groups", "policies"):
        ids = Counter(row.id for row in getattr(parsed, table))
        for repeated in (each for each, times in ids.items() if times > 1):
            msg = f"{name}: [[{table}]]: the id {repeated!r} appears twice."
            raise GovernanceFileError(msg)
    return parsed


def _with_place(message: str) -> str:
    """The message "what - at `$.groups[1].id`" as "[[groups]] number 2, id: what"."""
    what, _, path = message.partition(" - at `$.")
    # The file itself may contain these words in an unknown key. The message is then shown unchanged.
    found = _PLACE.fullmatch(path.rstrip("`"))
    if found is None:
        return f"{message}."
    table, number, rest = found.groups()
    place = f"[{table}]" if number is None else f"[[{table}]] number {int(number) + 1}"
    return f"{place}{', ' + rest if rest else ''}: {what}."
