"""The parts of governance: accounts, keys, groups, role assignments and settings. Policies are in `policies`.

A field is omitted when it has its default, so that a later version may add fields.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.commands import CommandId, Digest, Milliseconds, PrincipalId
from assent_contracts.topics import LedgerName

Role = Literal[
    "administrator", "requester", "approver", "applier", "auditor", "gateway", "directory", "reconciler"
]
PrincipalKind = Literal["human", "service"]
Source = Literal["manual", "directory"]
PublicKey = Annotated[str, Meta(description="Ed25519 public key: 32 bytes in base64url, no padding.")]


class Governed(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """How all parts are read and written."""


class Settings(Governed, frozen=True, kw_only=True, gc=False):
    """Times, limits and switches that apply to every request. Times are in milliseconds."""

    expiry_ms: Annotated[int, Meta(ge=1_000, le=limits.LONGEST_MS)] = 30 * 24 * 60 * 60 * 1_000
    """R14: how long a request may be without progress before it expires."""
    lease_ms: Annotated[int, Meta(ge=100, le=limits.LONGEST_MS)] = 5 * 60 * 1_000
    """How long an applier that claimed a change may take to report."""
    visibility_ms: Annotated[int, Meta(ge=1_000, le=limits.LONGEST_MS)] = 30 * 24 * 60 * 60 * 1_000
    """R14: how long a request stays listed after its last change of status."""
    allow_unlicensed_admins: bool = False
    """R5: with this, every approver group must be in at least one role assignment."""
    unprotected: Literal["refuse", "pass"] = "refuse"
    """R18: what happens to a change of a type that no policy protects."""
    open_requests_max: Annotated[int, Meta(ge=1, le=limits.OPEN_REQUESTS_MAX)] = 100_000
    """The quota of each principal: open requests in one partition of the ledger."""
    commands_per_minute: Annotated[int, Meta(ge=1, le=limits.COMMANDS_PER_MINUTE_MAX)] = 60_000
    """The rate of each principal: commands to one partition in a minute of log time."""
    remembered_commands: Annotated[int, Meta(ge=1, le=limits.REMEMBERED_COMMANDS_MAX)] = 2_000_000
    """The quota of each principal: command ids that one partition's writer remembers for 24 hours.

    Each takes at most 512 bytes of the writer's memory.
    """
    vanish_max_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    """How much of the directory's people and memberships one synchronisation may remove."""
    governance_own_signature: bool = True
    """Whether approvals of changes to governance count only with the approver's own signature."""


class Founding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Whose keys seal the log, whose key sets it up, and how many partitions it has permanently.

    `recovery` is the key that adds and retires writers and accepts a loss, and does nothing else. It is for
    the case that the writers' keys are lost or stolen, and is kept offline.
    """

    founder: PublicKey
    recovery: PublicKey
    writers: dict[str, PublicKey]
    partitions: Annotated[int, Meta(ge=1, le=limits.PARTITIONS_MAX)]


class Writer(Governed, frozen=True, kw_only=True, gc=False):
    """A key that seals the ledgers. It belongs to no principal and signs no commands."""

    id: str
    public_key: PublicKey


class Account(Governed, frozen=True, kw_only=True, gc=False):
    """An account. A human account has a person id, which names the person behind it. A service has none.

    The kind and the person of an account never change.
    """

    id: PrincipalId
    kind: PrincipalKind
    person: str | None = None
    name: str = ""
    source: Source = "manual"
    operator: PrincipalId | None = None
    """R25: the account of the person who runs a service."""


class SigningKey(Governed, frozen=True, kw_only=True, gc=False):
    """A principal's key, valid for not_before <= log time < not_after."""

    id: str
    principal: PrincipalId
    public_key: PublicKey
    not_before: Milliseconds
    not_after: Milliseconds


class Group(Governed, frozen=True, kw_only=True, gc=False):
    """A named set of principals. A group is identified by its id, never by its name."""

    id: str
    name: str = ""
    members: tuple[str, ...]
    source: Source = "manual"
    paths: dict[str, tuple[str, ...]] = {}
    """The ids of the groups between, outermost first, for members through nested groups of the directory."""


class RoleAssignment(Governed, frozen=True, kw_only=True, gc=False):
    """A role for groups and principals."""

    id: str
    role: Role
    groups: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    """Empty: every type."""


class DirectoryDifference(Governed, frozen=True, kw_only=True, gc=False):
    """What has to change so that governance matches the directory."""

    accounts: tuple[Account, ...] = ()
    """Humans who are new, have returned, or have another name."""
    vanished: tuple[str, ...] = ()
    """Accounts of the directory that are no longer in it. They are disabled."""
    groups: tuple[Group, ...] = ()
    """Groups that are new or different, in their new form."""
    vanished_groups: tuple[str, ...] = ()


class LedgerEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Where one ledger partition ends after the records behind it are given up as lost."""

    ledger: LedgerName
    partition: Annotated[int, Meta(ge=0, lt=limits.PARTITIONS_MAX)]
    seq: Annotated[int, Meta(ge=-1, description="Of the last record; -1 if there is none.")]
    sha256: Annotated[
        Digest, Meta(description="Of that record's value; if there is none, what record 0 chains to.")
    ]
    next_offset: Annotated[int, Meta(ge=0, description="The ledger offset after that record.")]
    topic_end: Annotated[
        int, Meta(ge=0, description="Where the topic ends: records in between are given up.")
    ]
    next_input: Annotated[int, Meta(ge=0, description="The offset from which commands are decided.")]


class Loss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A loss that was accepted: a new era of the log begins at these ends."""

    era: CommandId
    ends: Annotated[tuple[LedgerEnd, ...], Meta(max_length=limits.PARTITIONS_MAX + 1)]
    given_up: Annotated[
        tuple[CommandId, ...],
        Meta(max_length=limits.LOSSES_MAX, description="Eras whose own acceptance was lost too."),
    ] = ()
