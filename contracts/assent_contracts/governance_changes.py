"""Changes to governance, each as one value in a command or in a request's payload.

`version` is the governance seq at which the object last changed, as the sender saw it (`Governance.version`).
A change that was made on an outdated view is refused. `version` is absent for a new object.
"""

from typing import Annotated, Final, assert_never

import msgspec
from msgspec import Meta

from assent_contracts.access_policies import ACCESS_POLICY, GOVERNANCE_TYPE, Policy
from assent_contracts.commands import Milliseconds, PrincipalId
from assent_contracts.governance_objects import (
    Account,
    DirectoryDifference,
    Group,
    RoleAssignment,
    Settings,
    SigningKey,
    Writer,
)

Version = Annotated[int, Meta(description="The governance seq at which the object last changed.")]


class ChangeFields(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """How all changes are read and written."""


class RegisterPrincipal(
    ChangeFields, frozen=True, kw_only=True, tag="assent.register-principal.v1", gc=False
):
    """Register an account."""

    account: Account


class EnablePrincipal(ChangeFields, frozen=True, kw_only=True, tag="assent.enable-principal.v1", gc=False):
    """Enable a disabled account."""

    principal: PrincipalId


class DisablePrincipal(ChangeFields, frozen=True, kw_only=True, tag="assent.disable-principal.v1", gc=False):
    """Disable an account, whose approvals then no longer count. Works immediately."""

    principal: PrincipalId


class SetOperator(ChangeFields, frozen=True, kw_only=True, tag="assent.set-operator.v1", gc=False):
    """Set the account of the person who runs a service; without `operator`, that nobody is known to."""

    principal: PrincipalId
    operator: PrincipalId | None = None


class RegisterKey(ChangeFields, frozen=True, kw_only=True, tag="assent.register-key.v1", gc=False):
    """Register a key that signs for a principal. For one's own account this works immediately."""

    key: SigningKey


class ExpireKey(ChangeFields, frozen=True, kw_only=True, tag="assent.expire-key.v1", gc=False):
    """Let a key expire earlier than before."""

    key: str
    not_after: Milliseconds


class RevokeKey(ChangeFields, frozen=True, kw_only=True, tag="assent.revoke-key.v1", gc=False):
    """Revoke a key permanently. Works immediately."""

    key: str


class RevokeKeys(ChangeFields, frozen=True, kw_only=True, tag="assent.revoke-keys.v1", gc=False):
    """Revoke all keys that a principal has when this is decided, permanently. Works immediately."""

    principal: PrincipalId


class AddWriter(ChangeFields, frozen=True, kw_only=True, tag="assent.add-writer.v1", gc=False):
    """Add a key that may seal the ledgers."""

    writer: Writer


class RetireWriter(ChangeFields, frozen=True, kw_only=True, tag="assent.retire-writer.v1", gc=False):
    """Retire a writer's key permanently: it can no longer seal. At least one writer must remain."""

    writer: str


class DefineGroup(ChangeFields, frozen=True, kw_only=True, tag="assent.define-group.v1", gc=False):
    """Set the members of a group, new or not."""

    group: Group
    version: Version | None = None


class DeleteGroup(ChangeFields, frozen=True, kw_only=True, tag="assent.delete-group.v1", gc=False):
    """Delete a group that no policy and no role assignment names."""

    group: str
    version: Version


class AssignRole(ChangeFields, frozen=True, kw_only=True, tag="assent.assign-role.v1", gc=False):
    """Assign a role to groups and principals, for some resource types or all. The assignment may be new."""

    assignment: RoleAssignment
    version: Version | None = None


class WithdrawRole(ChangeFields, frozen=True, kw_only=True, tag="assent.withdraw-role.v1", gc=False):
    """Remove a role assignment."""

    assignment: str
    version: Version


class ChangeSettings(ChangeFields, frozen=True, kw_only=True, tag="assent.change-settings.v1", gc=False):
    """Set all times, limits and switches."""

    settings: Settings
    version: Version | None = None


class CreatePolicy(ChangeFields, frozen=True, kw_only=True, tag="assent.create-policy.v1", gc=False):
    """R2: protect a resource type with a new policy."""

    policy: Policy


class EditPolicy(ChangeFields, frozen=True, kw_only=True, tag="assent.edit-policy.v1", gc=False):
    """Change what a policy asks for. Its resource type stays the same."""

    policy: Policy
    version: Version


class DeletePolicy(ChangeFields, frozen=True, kw_only=True, tag="assent.delete-policy.v1", gc=False):
    """Delete a policy. It no longer approves anything, including what it had approved before."""

    policy: str
    version: Version


class SyncDirectory(ChangeFields, frozen=True, kw_only=True, tag="assent.sync-directory.v1", gc=False):
    """Bring governance up to date with the directory, in one difference."""

    difference: DirectoryDifference
    version: Version | None = None


class CorrectTime(ChangeFields, frozen=True, kw_only=True, tag="assent.correct-time.v1", gc=False):
    """Set log time back in every partition where it is later, after a clock that ran ahead."""

    to: Milliseconds


GovernanceChange = (
    RegisterPrincipal
    | EnablePrincipal
    | DisablePrincipal
    | SetOperator
    | RegisterKey
    | ExpireKey
    | RevokeKey
    | RevokeKeys
    | AddWriter
    | RetireWriter
    | DefineGroup
    | DeleteGroup
    | AssignRole
    | WithdrawRole
    | ChangeSettings
    | CreatePolicy
    | EditPolicy
    | DeletePolicy
    | SyncDirectory
    | CorrectTime
)


SETTINGS: Final = f"{GOVERNANCE_TYPE}/settings"
DIRECTORY: Final = f"{GOVERNANCE_TYPE}/directory"
LOG_TIME: Final = f"{GOVERNANCE_TYPE}/time"


def policy_object(policy: str) -> str:
    """A policy as an object that a request can be about."""
    return f"{ACCESS_POLICY}/{policy}"


def group_object(group: str) -> str:
    """A group as an object."""
    return f"{GOVERNANCE_TYPE}/group/{group}"


def role_object(assignment: str) -> str:
    """A role assignment as an object."""
    return f"{GOVERNANCE_TYPE}/role/{assignment}"


def principal_object(principal: str) -> str:
    """An account as an object."""
    return f"{GOVERNANCE_TYPE}/principal/{principal}"


def key_object(key: str) -> str:
    """A key as an object."""
    return f"{GOVERNANCE_TYPE}/key/{key}"


def writer_object(key: str) -> str:
    """A writer as an object."""
    return f"{GOVERNANCE_TYPE}/writer/{key}"


def object_of(change: GovernanceChange) -> str:  # noqa: C901, PLR0912  a line each
    """The object that a change is about, `<type>/<id>`: what a request for it names as its resource."""
    match change:
        case CreatePolicy(policy=policy) | EditPolicy(policy=policy):
            return policy_object(policy.id)
        case DeletePolicy(policy=policy):
            return policy_object(policy)
        case RegisterPrincipal(account=account):
            return principal_object(account.id)
        case (
            EnablePrincipal(principal=principal)
            | DisablePrincipal(principal=principal)
            | SetOperator(principal=principal)
            | RevokeKeys(principal=principal)
        ):
            return principal_object(principal)
        case RegisterKey(key=key):
            return key_object(key.id)
        case ExpireKey(key=key) | RevokeKey(key=key):
            return key_object(key)
        case AddWriter(writer=writer):
            return writer_object(writer.id)
        case RetireWriter(writer=writer):
            return writer_object(writer)
        case DefineGroup(group=group):
            return group_object(group.id)
        case DeleteGroup(group=group):
            return group_object(group)
        case AssignRole(assignment=assignment):
            return role_object(assignment.id)
        case WithdrawRole(assignment=assignment):
            return role_object(assignment)
        case ChangeSettings():
            return SETTINGS
        case SyncDirectory():
            return DIRECTORY
        case CorrectTime():
            return LOG_TIME
        case _:
            assert_never(change)
