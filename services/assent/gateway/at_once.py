"""A change to governance that works at once: sign it, publish it, and wait for the ledger's answer."""

from aiokafka.errors import KafkaError

from assent.gateway.api.governance_pages import POSITION
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.deciding import ANSWER_WITHIN_S, command_id, not_sent, undecided
from assent.gateway.problems import of_refusal
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.publisher import NotDecidedError
from assent_contracts.governance_changes import GovernanceChange


async def works_at_once(
    door: Door, caller: Caller, idempotency_key: str | None, *, needs_approval: bool
) -> bool:
    """Whether a change is to be sent to work at once. Sent again, it goes the way that it went first."""
    if idempotency_key is None:
        return not needs_approval
    sent = await door.once.first_sent(command_id(caller, idempotency_key), at_once=not needs_approval)
    return sent.at_once


async def change_at_once(
    door: Door, caller: Caller, change: GovernanceChange, idempotency_key: str | None
) -> GovernanceDecided:
    """The decision: of the first try, if it was sent before with this key. Raises Problem: the refusal,
    `late` (202), `log-not_sent`.
    """
    again = None if idempotency_key is None else command_id(caller, idempotency_key)
    at = None if again is None else (await door.once.first_sent(again, at_once=True)).at
    try:
        decided = await door.log.changes.send(
            change,
            door.log.key,
            principal=caller.id,
            command_id=again,
            at=at,
            timeout_s=ANSWER_WITHIN_S,
        )
    except NotDecidedError as error:
        raise undecided() from error
    except KafkaError as error:
        raise not_sent(error) from error
    if decided.refusal is not None:
        raise of_refusal(decided.refusal, position=f"{POSITION}{decided.seq}")
    return decided
