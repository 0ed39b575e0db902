"""What governance is made of: accounts, keys, groups, role assignments and settings. Policies are next door.

Fields with a default are left out when they have it, so that a later version may add some.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.commands import CommandId, Digest, Milliseconds, PrincipalId
from assent_contracts.topics import LedgerName

Role = Literal["administrator", "requester", "approver", "applier", "auditor", "gateway", "directory"]
PrincipalKind = Literal["human", "service"]
Source = Literal["manual", "directory"]
PublicKey = Annotated[str, Meta(description="Ed25519 public key: 32 bytes in base64url, no padding.")]


class Governed(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """How all of these are read and written."""


class Settings(Governed, frozen=True, kw_only=True, gc=False):
    """Times, limits and switches that hold for every request. Times in milliseconds."""

    expiry_ms: Annotated[int, Meta(ge=1_000, le=limits.LONGEST_MS)] = 30 * 24 * 60 * 60 * 1_000
    """R14: a request without progress for this long expires."""
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
    """The share of each principal: ids that one partition's writer remembers, for 24 hours.

    Each takes at most 512 bytes of its memory.
    """
    vanish_max_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    """How much of the directory's people and memberships one synchronisation may take away."""
    governance_own_signature: bool = True
    """Whether approvals of changes to governance count only with the approver's own signature."""


class Founding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Who may seal the log, whose key sets it up, and how many partitions it has for good.

    `recovery` adds and retires writers alone, and nothing else: for the day when the writers' keys are lost
    or stolen. It is kept offline.
    """

    founder: PublicKey
    recovery: PublicKey
    writers: dict[str, PublicKey]
    partitions: Annotated[int, Meta(ge=1, le=limits.PARTITIONS_MAX)]


class Writer(Governed, frozen=True, kw_only=True, gc=False):
    """A key that seals the ledgers. It is no principal's: it signs no command."""

    id: str
    public_key: PublicKey


class Account(Governed, frozen=True, kw_only=True, gc=False):
    """An account. A human has a person id, which tells who is behind it; a service has none.

    Neither the kind nor the person of an account ever changes.
    """

    id: PrincipalId
    kind: PrincipalKind
    person: str | None = None
    name: str = ""
    source: Source = "manual"


class SigningKey(Governed, frozen=True, kw_only=True, gc=False):
    """A principal's key, valid for not_before <= log time < not_after."""

    id: str
    principal: PrincipalId
    public_key: PublicKey
    not_before: Milliseconds
    not_after: Milliseconds


class Group(Governed, frozen=True, kw_only=True, gc=False):
    """A named set of principals. Groups are told apart by their id, never by their name."""

    id: str
    name: str = ""
    members: tuple[str, ...]
    source: Source = "manual"
    paths: dict[str, tuple[str, ...]] = {}
    """For members through nested groups of the directory: the ids of the groups between, outermost first."""


class RoleAssignment(Governed, frozen=True, kw_only=True, gc=False):
    """A role for groups and principals."""

    id: str
    role: Role
    groups: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    """Empty: every type."""


class DirectoryDifference(Governed, frozen=True, kw_only=True, gc=False):
    """What has to change so that governance says what the directory says."""

    accounts: tuple[Account, ...] = ()
    """Humans who are new, back again, or have another name."""
    vanished: tuple[str, ...] = ()
    """Accounts of the directory that are not in it any more: they are disabled."""
    groups: tuple[Group, ...] = ()
    """Groups that are new or different, as they are to be."""
    vanished_groups: tuple[str, ...] = ()


class LedgerEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Where one ledger partition ends, once what came after is given up as lost."""

    ledger: LedgerName
    partition: Annotated[int, Meta(ge=0, lt=limits.PARTITIONS_MAX)]
    seq: Annotated[int, Meta(ge=-1, description="Of the last record that is there; -1 for none.")]
    sha256: Annotated[Digest, Meta(description="Of that record's value; what record 0 chains to for none.")]
    next_offset: Annotated[int, Meta(ge=0, description="The ledger offset after that record.")]
    topic_end: Annotated[int, Meta(ge=0, description="Where the topic ends: what is between is given up.")]
    next_input: Annotated[int, Meta(ge=0, description="From which offset commands are decided.")]


class Loss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A loss that was accepted: a new era of the log begins at these ends."""

    era: CommandId
    ends: Annotated[tuple[LedgerEnd, ...], Meta(max_length=limits.PARTITIONS_MAX + 1)]
    given_up: Annotated[
        tuple[CommandId, ...],
        Meta(max_length=limits.LOSSES_MAX, description="Eras whose own acceptance was lost too."),
    ] = ()
