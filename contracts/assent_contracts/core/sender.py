"""Who sent a command, and whether it was received before. The same for both ledgers."""

from collections.abc import Sequence

import msgspec

from assent_contracts import limits
from assent_contracts.commands import Command
from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.principals_and_keys import Key, Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_messages import GovernanceCommand
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type

UNAUTHENTICATED = frozenset({RefusalCode.UNKNOWN_KEY, RefusalCode.BAD_SIGNATURE})
"""Refusals of commands whose sender is not known."""
OMITTED = UNAUTHENTICATED | {RefusalCode.TOO_MANY_COMMANDS}
"""Refusals of well-formed commands of which the ledger keeps only hash and size."""
COPIES = frozenset({RefusalCode.ID_REUSED, RefusalCode.STALE, RefusalCode.MISROUTED})
"""Refusals that anyone who has read a signed command can cause, by sending its bytes again."""
TAKES_NO_ID = OMITTED | COPIES
"""Refusals of commands whose ids are not remembered."""
AnyReceived = Received[Command] | Received[GovernanceCommand]
"""A command to either ledger."""


class Sender(msgspec.Struct, frozen=True, gc=False):
    """A verified sender: the account, and the gateway that signed on its behalf, if any."""

    principal: Principal
    through: str | None = None


def identify(
    governance: Governance,
    principal: str,
    key_id: str,
    *,
    signed: bool,
    good: bool,
    received_at: int,
    resource: str,
    of_upstreams: bool = False,
) -> Sender | Refusal:
    """The sender of a command that the broker appended at `received_at` (ms).

    `signed`: whether it has a signature. `good`: whether that is the named key's over these bytes.
    `resource`: the object of the command; a gateway must have its role for the object's type. `of_upstreams`:
    whether a gateway may sign it for a service too.
    """
    unknown = unattributed(governance, key_id, signed=signed, good=good, received_at=received_at)
    if unknown is not None:
        return unknown
    key = governance.keys[key_id]
    through = None
    if key.principal != principal:
        if not _speaks_for(governance, key, principal, resource, services=of_upstreams):
            return refuse(RefusalCode.UNKNOWN_KEY, f"This key does not belong to {principal}.")
        through = key.principal
    return Sender(governance.principals[principal], through)


def unattributed(
    governance: Governance, key_id: str, *, signed: bool, good: bool, received_at: int
) -> Refusal | None:
    """The refusal of bytes that no registered key has signed; None if one has.

    `received_at`: when the broker appended them, ms. The key must have been valid then.

    The bytes are not parsed for this, so that unsigned bytes cost little.
    """
    if not signed:
        return refuse(RefusalCode.BAD_SIGNATURE, "The command carries no signature.")
    key = governance.keys.get(key_id)
    if key is None:
        return refuse(RefusalCode.UNKNOWN_KEY, "This key is not registered.")
    if not good:
        return refuse(RefusalCode.BAD_SIGNATURE, "The signature is not this key's over these bytes.")
    if not key.is_valid(received_at):
        what = "is revoked" if key.revoked else "is not valid at this time"
        return refuse(RefusalCode.UNKNOWN_KEY, f"This key {what}.")
    return None


def _speaks_for(governance: Governance, key: Key, principal: str, resource: str, *, services: bool) -> bool:
    """Whether the key is a gateway's that may sign for this principal. `services`: services too."""
    gateway, account = governance.principals[key.principal], governance.principals.get(principal)
    return (
        gateway.enabled
        and gateway.person is None
        and account is not None
        and (services or account.person is not None)
        and governance.has_role(gateway.id, "gateway", resource_type(resource))
    )


def is_copy(decision: Sequence[object] | Refusal) -> bool:
    """Whether a command with this decision may be a copy, sent by anyone who has read the original."""
    if isinstance(decision, Refusal):
        return decision.code in COPIES
    return bool(decision) and isinstance(decision[0], CommandRepeated)


def takes_its_id(decision: Sequence[object] | Refusal) -> bool:
    """Whether a command with this decision uses up its id, which is then remembered."""
    if isinstance(decision, Refusal):
        return decision.code not in TAKES_NO_ID
    return not is_copy(decision)


def counts(decision: Sequence[object] | Refusal) -> bool:
    """Whether the ledger keeps all bytes of a command with this decision, so that it counts."""
    return not isinstance(decision, Refusal) or decision.code not in OMITTED


def taken(memory: CommandMemory, it: AnyReceived) -> tuple[CommandRepeated] | Refusal | None:
    """The answer to a command whose id is taken; None if it is free."""
    before = memory.recall(it.command.principal, it.command.id)
    if before is None:
        return None
    if before.value_sha256 == it.value_sha256:
        return (CommandRepeated(decided=before.seq),)
    return Refusal(
        code=RefusalCode.ID_REUSED,
        detail=f"The command id stands for other bytes, decided at seq {before.seq}.",
        decided=before.seq,
    )


def came_before(
    memory: CommandMemory, it: AnyReceived, received_at: int
) -> tuple[CommandRepeated] | Refusal | None:
    """The answer to a command that was received before, or may have been; else None.

    It may have been if ids of its date are no longer remembered. `received_at`: when the broker appended it,
    ms.
    """
    before = taken(memory, it) or out_of_time(it.command.at, received_at)
    if before is None and memory.has_forgotten(it.command.at):
        return refuse(RefusalCode.STALE, "It is dated as commands whose ids are forgotten.")
    return before


def not_current(sender: Sender, dated: int, received_at: int) -> Refusal | None:
    """The refusal of a command whose date is too far from its receipt, or whose account is disabled.

    `received_at`: when the broker appended it. All times are in ms.
    """
    return out_of_time(dated, received_at) or disabled(sender)


def disabled(sender: Sender) -> Refusal | None:
    """The refusal of a command whose account is disabled."""
    if sender.principal.enabled:
        return None
    return refuse(RefusalCode.NOT_PERMITTED, f"{sender.principal.id} is disabled.")


def out_of_time(dated: int, received_at: int) -> Refusal | None:
    """The refusal of a command whose date is too far from its receipt."""
    age_ms = received_at - dated
    if age_ms > limits.COMMAND_MAX_AGE_MS or -age_ms > limits.COMMAND_MAX_AHEAD_MS:
        away = f"{age_ms / 1_000:,.0f} s before" if age_ms >= 0 else f"{-age_ms / 1_000:,.0f} s after"
        return refuse(RefusalCode.STALE, f"The command is dated {away} the broker received it.")
    return None
