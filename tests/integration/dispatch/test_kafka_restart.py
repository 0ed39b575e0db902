"""Kafka is killed and restarted: dispatch and the applier continue by themselves."""

import asyncio
from pathlib import Path

import pytest

from assent.local.stack import Stack
from tests.support.containers import chosen_stack
from tests.support.handover import Folders, applying, dispatching, events_of
from tests.support.log import deciding, following, fresh_log, publishing


@pytest.mark.skipif(chosen_stack() != "embedded", reason="this test kills the broker that it started")
async def test_next_change_is_applied_after_kafka_was_killed_and_restarted(tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    async with Stack(tmp_path / "data") as stack:
        log = await fresh_log(stack.bootstrap, tmp_path / "keys")
        async with (
            following(log) as follower,
            deciding(log, follower),
            publishing(log, follower) as actor,
            dispatching(log, follower),
            applying(log, follower, folders) as applier,
        ):
            first = await actor.released("script/before")
            await applier.of(first.request, "succeeded")
            await stack.kafka.kill()
            await asyncio.sleep(1)  # Kafka is down for a while: there is nothing to wait for
            await stack.kafka.start()
            second = await actor.released("script/after")
            async with asyncio.timeout(60):
                await applier.of(second.request, "succeeded")
            assert (await events_of(log, follower, second.request))[-1] == "request-completed"
    assert (folders.target / "script" / "after").read_text() == "echo hello"
