"""Governance as commands and as events. The changes are in `governance_changes`.

The first record of `assent.governance` founds the log. It names the writers whose seals count, and its hash
is the log's identity.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.access_policies import Policy
from assent_contracts.commands import CommandId, Digest, Milliseconds, PrincipalId, RequestId
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_objects import (
    Account,
    DirectoryDifference,
    Founding,
    Group,
    LedgerEnd,
    Loss,
    RoleAssignment,
    Settings,
    SigningKey,
    Writer,
)
from assent_contracts.refusals import Refusal

GOVERNANCE_KEY: Final = b"governance"
"""The Kafka key of every record on the governance topics: they have one partition."""


class GovernanceCommandFields(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True, gc=False
):
    """The fields of every governance command."""

    id: CommandId
    principal: PrincipalId
    at: Milliseconds


class FoundLog(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.found-log.v1", gc=False):
    """Found the log: whose keys seal it, and whose key sets it up."""

    founding: Founding


class ChangeGovernance(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.change-governance.v1", gc=False
):
    """Make one change immediately. A change that needs approval is refused, and is submitted as a request."""

    change: GovernanceChange


class CloseFounding(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.close-founding.v1", gc=False
):
    """End the set-up. The founder's key can change nothing afterwards."""


class RecoverWriters(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.recover-writers.v1", gc=False
):
    """Add and retire writers with the recovery key alone, which also seals this record.

    For the case that no writer is left that could decide: see `writers.governance_sealer`.
    """

    add: Annotated[tuple[Writer, ...], Meta(max_length=limits.WRITERS_MAX)] = ()
    retire: Annotated[tuple[str, ...], Meta(max_length=limits.WRITERS_MAX)] = ()


class AcceptLoss(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.accept-loss.v1", gc=False):
    """Continue from where the ledgers end now, with the recovery key alone, which also seals this record.

    What was known beyond these ends is given up. For the case that a log was lost and no newer copy is left.
    """

    ends: Annotated[tuple[LedgerEnd, ...], Meta(max_length=limits.PARTITIONS_MAX + 1)]
    given_up: Annotated[
        tuple[str, ...],
        Meta(max_length=limits.LOSSES_MAX, description="Eras whose own acceptance was lost too."),
    ] = ()


RecoveryCommand = RecoverWriters | AcceptLoss
"""The only commands that the recovery key signs."""
GovernanceCommand = FoundLog | ChangeGovernance | CloseFounding | RecoverWriters | AcceptLoss


class GovernanceEventFields(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """The form of every governance event, which has a type."""


class LogFounded(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.log-founded.v1", gc=False):
    """The log exists, with these writers."""

    founding: Founding


class PrincipalRegistered(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.principal-registered.v1", gc=False
):
    """The account is registered and enabled."""

    account: Account


class PrincipalEnabled(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.principal-enabled.v1", gc=False
):
    """The account may act again."""

    principal: PrincipalId


class PrincipalDisabled(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.principal-disabled.v1", gc=False
):
    """The account can do nothing, and none of its approvals counts."""

    principal: PrincipalId


class OperatorSet(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.operator-set.v1", gc=False):
    """The person of this account runs the service; None: nobody is known to."""

    principal: PrincipalId
    operator: PrincipalId | None


class KeyRegistered(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-registered.v1", gc=False
):
    """The key can sign for its principal."""

    key: SigningKey


class KeyExpires(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-expires.v1", gc=False):
    """The key expires earlier than before."""

    key: str
    not_after: Milliseconds


class KeyRevoked(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-revoked.v1", gc=False):
    """The key can no longer sign."""

    key: str


class KeysRevoked(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.keys-revoked.v1", gc=False):
    """The keys that the principal had until now can no longer sign."""

    principal: PrincipalId


class WriterAdded(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.writer-added.v1", gc=False):
    """The key seals from the next record on."""

    writer: Writer


class WriterRetired(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.writer-retired.v1", gc=False
):
    """The key can seal nothing after this record."""

    writer: str


class LossAccepted(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.loss-accepted.v1", gc=False):
    """The log continues from these ends. What was known beyond them no longer counts."""

    loss: Loss


class GroupDefined(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.group-defined.v1", gc=False):
    """These are the group's members."""

    group: Group


class GroupDeleted(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.group-deleted.v1", gc=False):
    """The group no longer exists."""

    group: str


class RoleAssigned(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.role-assigned.v1", gc=False):
    """The groups and principals have the role."""

    assignment: RoleAssignment


class RoleWithdrawn(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.role-withdrawn.v1", gc=False
):
    """The role assignment no longer exists."""

    assignment: str


class SettingsChanged(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.settings-changed.v1", gc=False
):
    """These settings apply from now on."""

    settings: Settings


class PolicyCreated(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-created.v1", gc=False
):
    """The resource type is now protected by this policy, besides any others."""

    policy: Policy


class PolicyEdited(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-edited.v1", gc=False):
    """The policy asks for this from now on. An open request must also meet what it asked for before."""

    policy: Policy


class PolicyDeleted(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-deleted.v1", gc=False
):
    """The policy no longer exists and approves nothing."""

    policy: str


class DirectorySynced(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.directory-synced.v1", gc=False
):
    """Governance matches the directory."""

    difference: DirectoryDifference


class TimeCorrected(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.time-corrected.v1", gc=False
):
    """Log time counts as `to` wherever it is later.

    This holds here from the next record on, and in each request partition from the first record on that names
    this governance seq or a later one.
    """

    to: Milliseconds


class FoundingClosed(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.founding-closed.v1", gc=False
):
    """The set-up has ended: governance now changes only by its own rules."""


class ReleaseFields(GovernanceEventFields, frozen=True, kw_only=True, gc=False):
    """The release on the request ledger that a governance record carries out or refuses."""

    request: RequestId
    released: Annotated[int, Meta(description="The seq of the release, in the request's partition.")]
    digest: Digest
    as_of: Annotated[int, Meta(description="The governance seq that the submission was decided under.")]


class ReleaseCarriedOut(
    ReleaseFields, frozen=True, kw_only=True, tag="assent.release-carried-out.v1", gc=False
):
    """The approved change was carried out by the events before this one."""


class ReleaseRefused(ReleaseFields, frozen=True, kw_only=True, tag="assent.release-refused.v1", gc=False):
    """The approved change no longer fits governance, and nothing was changed."""

    refusal: Refusal


GovernanceEvent = (
    LogFounded
    | PrincipalRegistered
    | PrincipalEnabled
    | PrincipalDisabled
    | OperatorSet
    | KeyRegistered
    | KeyExpires
    | KeyRevoked
    | KeysRevoked
    | WriterAdded
    | WriterRetired
    | LossAccepted
    | GroupDefined
    | GroupDeleted
    | RoleAssigned
    | RoleWithdrawn
    | SettingsChanged
    | PolicyCreated
    | PolicyEdited
    | PolicyDeleted
    | DirectorySynced
    | TimeCorrected
    | FoundingClosed
    | ReleaseCarriedOut
    | ReleaseRefused
    | CommandRepeated
)
