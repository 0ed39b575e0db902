"""Change governance: at once, or as a request that a second administrator must approve (R3, R15, R18)."""

import msgspec
from aiokafka.errors import KafkaError

from assent.gateway.application.command_sending import (
    ANSWER_WITHIN_S,
    command_fields,
    command_id,
    not_sent,
    send_command,
    undecided_change,
)
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import of_refusal
from assent.reading.change_prospects import Prospect, foresee, request_for
from assent.reading.policy_effects import LISTED_MAX, PolicyEffects, effects, type_of_change
from assent.store.queries import open_of_type
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.publisher import NotDecidedError, now_ms
from assent_contracts.commands import command_type
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.refusals import Refusal

POSITION = "governance-"
"""The prefix of a position on the governance ledger, before the seq."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a change: decided at once, or the request for it."""

    sentence: str
    object: str
    why_approval: str | None
    """Why a second administrator must approve; null if it took effect at once."""
    request: str | None
    position: str
    """`governance-<seq>`, or the request's ledger position. Send it as Assent-After to read its effects."""
    at: int
    """Log time, ms."""
    events: tuple[str, ...]
    repeated: bool = False


def prospect_of(gateway: Gateway, caller: Caller, change: GovernanceChange) -> Prospect:
    """What would happen to the caller's change, signed by this gateway, if it were sent now."""
    return foresee(gateway.log.governance, change, caller.id, now_ms(), through=gateway.log.key.principal)


async def effects_of(gateway: Gateway, change: GovernanceChange) -> PolicyEffects | None:
    """How the change would affect the open requests under its policy; None for other changes."""
    governance = gateway.log.governance
    kind = type_of_change(change, governance)
    if kind is None:
        return None
    rows, count = await open_of_type(gateway.db, kind, limit=LISTED_MAX)
    return effects(change, rows, count, governance)


async def change_governance(
    gateway: Gateway,
    caller: Caller,
    prospect: Prospect,
    justification: str,
    *,
    idempotency_key: str | None,
) -> Changed:
    """Send the change of a prospect: directly, or as a request where approval is needed.

    Raises Problem, including its refusal. A change that is sent again with its Idempotency-Key takes the same
    way as the first time.
    """
    if await _works_at_once(gateway, caller, prospect, idempotency_key):
        return await _at_once(gateway, caller, prospect, idempotency_key)
    fields = command_fields(caller, prospect.object, idempotency_key)
    del fields["resource"]
    command = request_for(prospect.change, justification, fields)
    if isinstance(command, Refusal):
        raise of_refusal(command)
    decision = await send_command(gateway, command, once=idempotency_key is not None)
    return Changed(
        sentence=prospect.sentence,
        object=prospect.object,
        why_approval=prospect.why_approval,
        request=decision.request,
        position=decision.position,
        at=decision.at,
        events=decision.events,
        repeated=decision.repeated,
    )


async def _works_at_once(
    gateway: Gateway, caller: Caller, prospect: Prospect, idempotency_key: str | None
) -> bool:
    if idempotency_key is None:
        return prospect.works_at_once
    again = command_id(caller, idempotency_key)
    return (await gateway.once.first_sent(again, at_once=prospect.works_at_once)).at_once


async def _at_once(
    gateway: Gateway, caller: Caller, prospect: Prospect, idempotency_key: str | None
) -> Changed:
    decided = await _decided_at_once(gateway, caller, prospect.change, idempotency_key)
    return Changed(
        sentence=prospect.sentence,
        object=prospect.object,
        why_approval=None,
        request=None,
        position=f"{POSITION}{decided.seq}",
        at=decided.at,
        events=tuple(command_type(event) for event in decided.events),
        repeated=decided.repeated,
    )


async def _decided_at_once(
    gateway: Gateway, caller: Caller, change: GovernanceChange, idempotency_key: str | None
) -> GovernanceDecided:
    """The decision, or that of the first attempt with this key. Raises Problem.

    The problem is the refusal, `late` (202) or `log-unreachable`.
    """
    again = None if idempotency_key is None else command_id(caller, idempotency_key)
    at = None if again is None else (await gateway.once.first_sent(again, at_once=True)).at
    try:
        decided = await gateway.log.changes.send(
            change,
            gateway.log.key,
            principal=caller.id,
            command_id=again,
            at=at,
            timeout_s=ANSWER_WITHIN_S,
        )
    except NotDecidedError as error:
        raise undecided_change() from error
    except KafkaError as error:
        raise not_sent(error) from error
    if decided.refusal is not None:
        raise of_refusal(decided.refusal, position=f"{POSITION}{decided.seq}")
    return decided
