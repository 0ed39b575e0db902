"""The governance file: who there is, who may do what, and which types are protected. TOML.

See infra/demo/governance.toml for one with every table.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from assent_contracts.governance import PrincipalKind, Quorum, Role, Settings

FILE_MAX_BYTES = 4 * 1024 * 1024
_DURATION = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FOR_EVER_MS = (1 << 53) - 1


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
    unprotected: str = "refuse"


class PrincipalTable(_Table, frozen=True, kw_only=True):
    """An account; `person` for humans only."""

    id: str
    kind: PrincipalKind
    person: str | None = None
    name: str = ""


class KeyTable(_Table, frozen=True, kw_only=True):
    """A public key (base64url) and its principal; `assent keys new` prints one."""

    id: str
    principal: str
    public_key: str
    not_before: Annotated[int, Meta(ge=0)] = 0
    not_after: Annotated[int, Meta(ge=0, le=_FOR_EVER_MS)] = _FOR_EVER_MS


class GroupTable(_Table, frozen=True, kw_only=True):
    """A group and the principals in it."""

    id: str
    name: str = ""
    members: tuple[str, ...] = ()


class RoleTable(_Table, frozen=True, kw_only=True):
    """A role for groups and principals; for every resource type unless some are named."""

    role: Role
    groups: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()


class PolicyTable(_Table, frozen=True, kw_only=True):
    """R2: an access policy."""

    id: str
    name: str
    description: str = ""
    resource_type: str
    approver_groups: tuple[str, ...]
    excluded_groups: tuple[str, ...] = ()
    quorum: Quorum = 1


class GovernanceFile(_Table, frozen=True, kw_only=True):
    """The whole file."""

    settings: SettingsTable = msgspec.field(default_factory=SettingsTable)
    principals: tuple[PrincipalTable, ...] = ()
    keys: tuple[KeyTable, ...] = ()
    groups: tuple[GroupTable, ...] = ()
    roles: tuple[RoleTable, ...] = ()
    policies: tuple[PolicyTable, ...] = ()


def read_governance_file(path: Path) -> GovernanceFile:
    """Read and check the form of a file; what it means is for the rules. Raises GovernanceFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise GovernanceFileError(msg) from error
    if len(content) > FILE_MAX_BYTES:
        msg = f"{path} is larger than {FILE_MAX_BYTES:,} bytes."
        raise GovernanceFileError(msg)
    try:
        parsed = msgspec.toml.decode(content, type=GovernanceFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: {error}"
        raise GovernanceFileError(msg) from error
    for group, times in Counter(group.id for group in parsed.groups).items():
        if times > 1:
            msg = f"{path}: group {group} stands there {times} times."
            raise GovernanceFileError(msg)
    for policy in parsed.policies:
        if policy.excluded_groups:
            msg = f"{path}: policy {policy.id}: excluded groups are not supported (R2): name the groups that approve."
            raise GovernanceFileError(msg)
    return parsed


def settings_of(table: SettingsTable) -> Settings:
    """The settings that a table means. Raises GovernanceFileError."""
    fields = {
        "expiry_ms": _duration_ms("expiry", table.expiry),
        "lease_ms": _duration_ms("lease", table.lease),
        "visibility_ms": _duration_ms("visibility", table.visibility),
        "allow_unlicensed_admins": table.allow_unlicensed_admins,
        "unprotected": table.unprotected,
    }
    try:
        return msgspec.convert(fields, Settings)
    except msgspec.ValidationError as error:
        msg = f"settings: {error}"
        raise GovernanceFileError(msg) from error


def _duration_ms(name: str, text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f"settings.{name}: {text!r} is no duration like 30d, 12h, 5m, 90s or 500ms."
        raise GovernanceFileError(msg)
    return int(match[1]) * _UNIT_MS[match[2]]
