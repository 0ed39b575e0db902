"""Governance: principals, keys, groups, roles, settings and policies, as commands and as events.

The first record of `assent.governance` founds the log: it names the writers whose seals count, and its
hash is the log's identity.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.commands import CommandId, Milliseconds, PrincipalId

Role = Literal["administrator", "requester", "approver", "applier", "auditor", "gateway"]
PrincipalKind = Literal["human", "service"]
PublicKey = Annotated[str, Meta(description="Ed25519 public key: 32 bytes in base64url, no padding.")]
Quorum = Annotated[int, Meta(description="Approvals of distinct people.", ge=1, le=limits.QUORUM_MAX)]


class GovernanceCommandFields(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True, gc=False
):
    """What every governance command says."""

    id: CommandId
    principal: PrincipalId
    at: Milliseconds


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Times and switches that hold for every request. Times in milliseconds."""

    expiry_ms: Annotated[int, Meta(ge=1_000)] = 30 * 24 * 60 * 60 * 1_000
    """R14: a request without progress for this long expires."""
    lease_ms: Annotated[int, Meta(ge=100)] = 5 * 60 * 1_000
    """How long an applier that claimed a change may take to report."""
    visibility_ms: Annotated[int, Meta(ge=1_000)] = 30 * 24 * 60 * 60 * 1_000
    """R14: how long a request stays listed after its last change of status."""
    allow_unlicensed_admins: bool = False
    """R5: with this, every approver group must be in at least one role assignment."""
    unprotected: Literal["refuse", "pass"] = "refuse"
    """R18: what happens to a change of a type that no policy protects."""


class Founding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Who may seal the log, whose key sets it up, and how many partitions it has for good."""

    founder: PublicKey
    writers: dict[str, PublicKey]
    partitions: Annotated[int, Meta(ge=1, le=limits.PARTITIONS_MAX)]


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """An account. A human has a person id, which tells who is behind it; a service has none."""

    id: PrincipalId
    kind: PrincipalKind
    person: str | None = None
    name: str = ""


class SigningKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A principal's key, valid for not_before <= log time < not_after."""

    id: str
    principal: PrincipalId
    public_key: PublicKey
    not_before: Milliseconds
    not_after: Milliseconds


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A named set of principals."""

    id: str
    name: str = ""
    members: tuple[str, ...]


class RoleAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A role for groups and principals."""

    id: str
    role: Role
    groups: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    """Empty: every type."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """R2: one resource type, who approves its changes, and how many of them."""

    id: str
    name: str
    description: str = ""
    resource_type: str
    groups: tuple[str, ...]
    quorum: Quorum = 1


class FoundLog(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.found-log.v1", gc=False):
    """Found the log: who may seal it, and whose key may set it up."""

    founding: Founding


class RegisterPrincipal(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.register-principal.v1", gc=False
):
    """Make an account known."""

    account: Account


class RegisterKey(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.register-key.v1", gc=False):
    """Let a key sign for a principal."""

    key: SigningKey


class DefineGroup(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.define-group.v1", gc=False):
    """Say who is in a group."""

    group: Group


class AssignRole(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.assign-role.v1", gc=False):
    """Give a role to groups and principals, for some resource types or all."""

    assignment: RoleAssignment


class ChangeSettings(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.change-settings.v1", gc=False
):
    """Set the times and switches."""

    settings: Settings


class CreatePolicy(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.create-policy.v1", gc=False
):
    """R2: protect one resource type."""

    policy: Policy


class CloseFounding(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.close-founding.v1", gc=False
):
    """End the set-up: the founder's key decides nothing any more."""


GovernanceCommand = (
    FoundLog
    | RegisterPrincipal
    | RegisterKey
    | DefineGroup
    | AssignRole
    | ChangeSettings
    | CreatePolicy
    | CloseFounding
)


class GovernanceEventFields(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every governance event has: its type."""


class LogFounded(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.log-founded.v1", gc=False):
    """The log exists, with these writers."""

    founding: Founding


class PrincipalRegistered(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.principal-registered.v1", gc=False
):
    """The account is known and enabled."""

    account: Account


class KeyRegistered(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-registered.v1", gc=False
):
    """The key signs for its principal."""

    key: SigningKey


class GroupDefined(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.group-defined.v1", gc=False):
    """These are the group's members."""

    group: Group


class RoleAssigned(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.role-assigned.v1", gc=False):
    """The role is theirs."""

    assignment: RoleAssignment


class SettingsChanged(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.settings-changed.v1", gc=False
):
    """These settings hold from now on."""

    settings: Settings


class PolicyCreated(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-created.v1", gc=False
):
    """The resource type is protected."""

    policy: Policy


class FoundingClosed(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.founding-closed.v1", gc=False
):
    """From now on governance changes only by its own rules."""


GovernanceEvent = (
    LogFounded
    | PrincipalRegistered
    | KeyRegistered
    | GroupDefined
    | RoleAssigned
    | SettingsChanged
    | PolicyCreated
    | FoundingClosed
)
