"""A decider that cannot read governance decides nothing: it would act on outdated governance."""

import asyncio

from aiokafka import TopicPartition
from structlog.testing import capture_logs

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.governance_changes import DisablePrincipal
from assent_contracts.topics import GOVERNANCE
from tests.support.governor import assert_verified, governing
from tests.support.log import Log, deciding, publishing
from tests.support.stack import until


async def test_approval_by_a_since_disabled_account_waits_and_is_refused(
    log: Log, follower: GovernanceFollower
) -> None:
    """carol is disabled while the decider of requests is cut off from governance; then she approves."""
    cut_off = GovernanceFollower(log.connection, log.identity, confirmed_within_s=1.0)
    await cut_off.start()
    consumer, place = cut_off._consumer, TopicPartition(GOVERNANCE, 0)
    assert consumer is not None
    try:
        with capture_logs() as lines:
            async with (
                deciding(log, cut_off),
                publishing(log, follower) as actor,
                governing(log, follower) as governor,
            ):
                request = await actor.opened("script/meanwhile.sh")
                consumer.pause(place)
                disabled = await governor.change(DisablePrincipal(principal="carol"))
                assert disabled.refusal is None, disabled.refusal
                partition = str(int(request.request.partition("-")[0]))

                async def waits() -> bool:
                    return any(
                        "governance cannot be read" in line["event"] and line["partition"] == partition
                        for line in lines
                    )

                await until(waits)
                approval = asyncio.create_task(actor.approve(request, "carol"))
                consumer.resume(place)
                decided = await approval
                assert decided.refusal is not None
                assert decided.refusal.code == "not-permitted"
                await assert_verified(log, follower)
    finally:
        await cut_off.stop()
