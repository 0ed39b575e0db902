"""Governance, as commands and as events. What the changes are is in `governance_changes`.

The first record of `assent.governance` founds the log: it names the writers whose seals count, and its
hash is the log's identity.
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
    """What every governance command says."""

    id: CommandId
    principal: PrincipalId
    at: Milliseconds


class FoundLog(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.found-log.v1", gc=False):
    """Found the log: who may seal it, and whose key may set it up."""

    founding: Founding


class ChangeGovernance(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.change-governance.v1", gc=False
):
    """Make one change at once. What needs approval is refused here and submitted as a request instead."""

    change: GovernanceChange


class CloseFounding(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.close-founding.v1", gc=False
):
    """End the set-up: the founder's key decides nothing any more."""


class RecoverWriters(
    GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.recover-writers.v1", gc=False
):
    """Add and retire writers by the recovery key alone, which also seals the record of it.

    Where no writer is left that could decide: see `writers.governance_sealer`.
    """

    add: Annotated[tuple[Writer, ...], Meta(max_length=limits.WRITERS_MAX)] = ()
    retire: Annotated[tuple[str, ...], Meta(max_length=limits.WRITERS_MAX)] = ()


class AcceptLoss(GovernanceCommandFields, frozen=True, kw_only=True, tag="assent.accept-loss.v1", gc=False):
    """Go on from where the ledgers end now, by the recovery key alone, which also seals the record of it.

    What was known beyond these ends is given up. For the day when a log was lost and no newer copy is left.
    """

    ends: Annotated[tuple[LedgerEnd, ...], Meta(max_length=limits.PARTITIONS_MAX + 1)]
    given_up: Annotated[
        tuple[str, ...],
        Meta(max_length=limits.LOSSES_MAX, description="Eras whose own acceptance was lost too."),
    ] = ()


RecoveryCommand = RecoverWriters | AcceptLoss
"""What the recovery key signs, and nothing else."""
GovernanceCommand = FoundLog | ChangeGovernance | CloseFounding | RecoverWriters | AcceptLoss


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


class PrincipalEnabled(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.principal-enabled.v1", gc=False
):
    """The account may act again."""

    principal: PrincipalId


class PrincipalDisabled(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.principal-disabled.v1", gc=False
):
    """The account may do nothing, and none of its approvals counts."""

    principal: PrincipalId


class KeyRegistered(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-registered.v1", gc=False
):
    """The key signs for its principal."""

    key: SigningKey


class KeyExpires(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-expires.v1", gc=False):
    """The key ends earlier than it was to."""

    key: str
    not_after: Milliseconds


class KeyRevoked(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.key-revoked.v1", gc=False):
    """The key signs nothing any more."""

    key: str


class KeysRevoked(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.keys-revoked.v1", gc=False):
    """No key that the principal has had until now signs anything any more."""

    principal: PrincipalId


class WriterAdded(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.writer-added.v1", gc=False):
    """The key seals from the next record on."""

    writer: Writer


class WriterRetired(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.writer-retired.v1", gc=False
):
    """The key seals nothing after this record."""

    writer: str


class LossAccepted(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.loss-accepted.v1", gc=False):
    """The log continues from these ends: what was known beyond them no longer counts."""

    loss: Loss


class GroupDefined(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.group-defined.v1", gc=False):
    """These are the group's members."""

    group: Group


class GroupDeleted(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.group-deleted.v1", gc=False):
    """There is no such group any more."""

    group: str


class RoleAssigned(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.role-assigned.v1", gc=False):
    """The role is theirs."""

    assignment: RoleAssignment


class RoleWithdrawn(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.role-withdrawn.v1", gc=False
):
    """The assignment is gone."""

    assignment: str


class SettingsChanged(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.settings-changed.v1", gc=False
):
    """These settings hold from now on."""

    settings: Settings


class PolicyCreated(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-created.v1", gc=False
):
    """The resource type is protected by this policy (too)."""

    policy: Policy


class PolicyEdited(GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-edited.v1", gc=False):
    """The policy asks for this from now on; an open request must meet what it asked for before, too."""

    policy: Policy


class PolicyDeleted(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.policy-deleted.v1", gc=False
):
    """The policy approves nothing any more."""

    policy: str


class DirectorySynced(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.directory-synced.v1", gc=False
):
    """Governance says what the directory said."""

    difference: DirectoryDifference


class TimeCorrected(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.time-corrected.v1", gc=False
):
    """Log time counts as `to`, where it is later: from the next record here on, and in each partition of
    requests from its first record on that names this governance seq or a later one.
    """

    to: Milliseconds


class FoundingClosed(
    GovernanceEventFields, frozen=True, kw_only=True, tag="assent.founding-closed.v1", gc=False
):
    """From now on governance changes only by its own rules."""


class ReleaseFields(GovernanceEventFields, frozen=True, kw_only=True, gc=False):
    """Which release of the request ledger a governance record goes by."""

    request: RequestId
    released: Annotated[int, Meta(description="The seq of the release, in the request's partition.")]
    digest: Digest
    as_of: Annotated[int, Meta(description="The governance seq that the submission was decided under.")]


class ReleaseCarriedOut(
    ReleaseFields, frozen=True, kw_only=True, tag="assent.release-carried-out.v1", gc=False
):
    """The approved change, which the events before this one make, holds."""


class ReleaseRefused(ReleaseFields, frozen=True, kw_only=True, tag="assent.release-refused.v1", gc=False):
    """The approved change no longer fits what governance says: nothing was changed."""

    refusal: Refusal


GovernanceEvent = (
    LogFounded
    | PrincipalRegistered
    | PrincipalEnabled
    | PrincipalDisabled
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
