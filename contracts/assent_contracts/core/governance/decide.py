"""Decide a change to governance: the events that it makes, or its refusal. Pure.

A change arrives in two ways, with the same rules. Either an account that may make it alone has signed it, and
it works immediately. Or it comes from a request that others approved and that was released, which `carry_out`
handles.
"""

from typing import assert_never

import msgspec

from assent_contracts import limits
from assent_contracts.codec import is_identifier
from assent_contracts.core.governance.change_kinds import rules_of
from assent_contracts.core.governance.change_permissions import not_permitted, why_approval
from assent_contracts.core.governance.eligible_people import too_few_administrators
from assent_contracts.core.governance.field_limits import is_public_key, refuse
from assent_contracts.core.governance.lockout import lockout_refusal
from assent_contracts.core.governance.losses import accept_loss
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.writers import recover_writers
from assent_contracts.governance_changes import (
    GovernanceChange,
)
from assent_contracts.governance_messages import (
    AcceptLoss,
    ChangeGovernance,
    CloseFounding,
    Founding,
    FoundingClosed,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    LogFounded,
    RecoverWriters,
    RecoveryCommand,
    ReleaseCarriedOut,
    ReleaseRefused,
)
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import RECOVERY

GovernanceDecision = tuple[GovernanceEvent, ...] | Refusal


class Release(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A release on the request ledger, as governance refers to it."""

    request: str
    released: int
    """The seq of the release, in the request's partition."""
    digest: str
    as_of: int
    """The governance seq under which the submission was decided, which is what approvers could see."""
    requester: str

    def carried_out(self) -> ReleaseCarriedOut:
        """The event for a change that was carried out."""
        return ReleaseCarriedOut(
            request=self.request, released=self.released, digest=self.digest, as_of=self.as_of
        )

    def refused(self, refusal: Refusal) -> ReleaseRefused:
        """The event for a change that was refused, so that nothing was changed."""
        return ReleaseRefused(
            request=self.request,
            released=self.released,
            digest=self.digest,
            as_of=self.as_of,
            refusal=refusal,
        )


def decide_founding(governance: Governance, command: GovernanceCommand, at: int) -> GovernanceDecision:
    """Decide a command that the founder's key has signed. `at`: log time in ms."""
    if isinstance(command, FoundLog):
        return _found(governance, command.founding)
    if governance.founder is None:
        return refuse(RefusalCode.NOT_PERMITTED, "The founding is closed.")
    if isinstance(command, CloseFounding):
        return _close(governance, at)
    if isinstance(command, RecoveryCommand):
        return refuse(RefusalCode.NOT_PERMITTED, "Only the recovery key signs this.")
    return decide_change(governance, command.change, at)


def decide_recovery(governance: Governance, command: RecoveryCommand) -> GovernanceDecision:
    """Decide a command that the recovery key has signed."""
    if governance.founder is not None:
        return refuse(RefusalCode.NOT_PERMITTED, "The recovery key counts once the founding is closed.")
    if isinstance(command, AcceptLoss):
        return accept_loss(governance, command)
    return recover_writers(governance, command)


def decide_at_once(
    governance: Governance, command: GovernanceCommand, at: int, *, through: str | None
) -> GovernanceDecision:
    """Decide an account's command. `through`: the gateway that signed on its behalf, if any."""
    match command:
        case FoundLog():
            return refuse(RefusalCode.NOT_PERMITTED, "This log is founded already.")
        case CloseFounding():
            return refuse(RefusalCode.NOT_PERMITTED, "The founding is closed.")
        case RecoverWriters() | AcceptLoss():
            return refuse(RefusalCode.NOT_PERMITTED, "Only the recovery key signs this.")
        case ChangeGovernance():
            pass
        case _:
            assert_never(command)
    forbidden = not_permitted(governance, command.change, command.principal)
    if forbidden is not None:
        return forbidden
    decision = decide_change(governance, command.change, at)
    if isinstance(decision, Refusal):
        return decision
    why = why_approval(governance, command.change, command.principal, through)
    if why is not None:
        return refuse(RefusalCode.APPROVAL_REQUIRED, f"A second administrator must approve: {why}.")
    return decision


def carry_out(
    governance: Governance, change: GovernanceChange, release: Release, at: int
) -> tuple[GovernanceEvent, ...]:
    """The events of a release at log time `at` (ms): the change, or that it no longer fits."""
    decision = (
        not_permitted(governance, change, release.requester)
        or _moved_since(governance, change, release.as_of)
        or decide_change(governance, change, at)
    )
    if isinstance(decision, Refusal):
        return (release.refused(decision),)
    return (*decision, release.carried_out())


def _moved_since(governance: Governance, change: GovernanceChange, as_of: int) -> Refusal | None:
    """The refusal of a change that gives power to an object that has changed since the approvers saw it."""
    for governed in sorted(rules_of(change).given_power(change)):
        version = governance.version(governed)
        if version is not None and version > as_of:
            return refuse(
                RefusalCode.OUTDATED,
                f"{governed} has changed, at seq {version}, since this was submitted under seq {as_of}.",
            )
    return None


def decide_change(governance: Governance, change: GovernanceChange, at: int) -> GovernanceDecision:
    """Decide whether the change fits governance now, independent of who asks for it."""
    decision: GovernanceDecision = rules_of(change).decide(governance, change, at)
    if isinstance(decision, Refusal):
        return decision
    return lockout_refusal(governance, change, decision, at) or decision


def _found(governance: Governance, founding: Founding) -> GovernanceDecision:
    if governance.seq != -1:
        return refuse(RefusalCode.NOT_PERMITTED, "This log is founded already.")
    keys = (founding.founder, founding.recovery, *founding.writers.values())
    names_are_good = all(
        is_identifier(name, limits.NAME_MAX_CHARS) and name != RECOVERY for name in founding.writers
    )
    if not founding.writers or not names_are_good or not all(is_public_key(key) for key in keys):
        return refuse(RefusalCode.MALFORMED, "A log needs a writer, and 32-byte Ed25519 keys.")
    if len(set(keys)) != len(keys) or len(founding.writers) > limits.WRITERS_MAX:
        return refuse(
            RefusalCode.MALFORMED,
            f"The founder, the recovery key and at most {limits.WRITERS_MAX} writers have a key each.",
        )
    return (LogFounded(founding=founding),)


def _close(governance: Governance, at: int) -> GovernanceDecision:
    if not governance.policies and governance.settings.unprotected != "pass":
        return refuse(
            RefusalCode.POLICY_INVALID, "Without a policy every change would be refused: name at least one."
        )
    # Also without a policy: a log without administrators could never get one.
    return too_few_administrators(governance, at) or (FoundingClosed(),)
