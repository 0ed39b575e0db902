"""A fault in the rules stops the partition whose record caused it: nothing is skipped or decided wrongly."""

import pytest
from msgspec import Raw
from prometheus_client import generate_latest

from assent.decider.service import Decider
from assent.observe.health import Health
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import NotDecidedError, new_command_id, now_ms, repeats
from assent_contracts.commands import SubmitChange
from assent_contracts.core.requests import decide as rules
from assent_contracts.core.requests.decide import RequestDecision
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.submit import decide_submit
from assent_contracts.partitioner import partition_for
from tests.support.invalid_commands import good_goes_on
from tests.support.log import PARTITIONS, UPSTREAM, Log, deciding, publishing
from tests.support.stack import until

FATAL = SubmitChange(
    id=new_command_id(),
    principal=UPSTREAM,
    at=now_ms(),
    resource="script/fatal",
    operation="create",
    justification="It is needed.",
    payload=Raw(b"1"),
)
HERE = partition_for(FATAL.resource.encode(), PARTITIONS)
ELSEWHERE = (HERE + 1) % PARTITIONS


def _fails(
    open_request: int | None,
    open_already: int,
    command: SubmitChange,
    context: Context,
    newest: str | None,
) -> RequestDecision:
    if command.resource == FATAL.resource:
        raise ZeroDivisionError
    return decide_submit(open_request, open_already, command, context, newest)


async def test_fault_in_the_rules_stops_one_partition_and_its_record_is_decided_later(
    log: Log, follower: GovernanceFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health()
    decider = Decider(log.connection, log.writer, follower, health)
    async with publishing(log, follower) as actor:
        try:
            with monkeypatch.context() as patch:
                patch.setattr(rules, "decide_submit", _fails)
                await decider.lead({HERE, ELSEWHERE})
                await good_goes_on(actor, HERE)
                with pytest.raises(NotDecidedError):
                    await actor.publisher.send(FATAL, log.keys[UPSTREAM], timeout_s=0.5)
                await until(lambda: _is_stopped(health))
                await good_goes_on(actor, ELSEWHERE)
                # Nor does it stop the other partitions.
                await decider.lead({HERE, ELSEWHERE})
                exported = generate_latest().decode()
                assert f'assent_partition_stopped{{partition="{HERE}"}} 1.0' in exported
        finally:
            await decider.close()
        async with deciding(log, follower, {HERE}, governing=False):
            await good_goes_on(actor, HERE)
            # It was not skipped: the request exists, and the same command is a repetition.
            again = await actor.publisher.send(FATAL, log.keys[UPSTREAM])
            assert repeats(again) is not None


async def _is_stopped(health: Health) -> bool:
    reason = health.missing().get(f"partition-{HERE}")
    return reason is not None and "stopped" in reason.why
