"""Four upstreams, ten appliers, three kinds of targets, a kill every second: nothing is lost or doubled."""

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from assent.local.stack import Stack
from tests.support.applier_world import APPLIERS, applier_world
from tests.support.stack import until

CHANGES = int(os.environ.get("ASSENT_SOAK_CHANGES", "100000"))
_TABLE_WITHIN_S = 60.0


@pytest.mark.parametrize(
    ("changes", "timeout_s"),
    [
        pytest.param(400, 150, marks=(pytest.mark.long, pytest.mark.timeout(300))),
        pytest.param(CHANGES, 3_600, marks=(pytest.mark.soak, pytest.mark.timeout(0))),
    ],
    ids=["few", "many"],
)
async def test_changes_of_killed_appliers_are_there_once_and_the_ledger_says_so(
    stack: Stack, tmp_path: Path, dice: random.Random, changes: int, timeout_s: float
) -> None:
    assert sum(APPLIERS.values()) == 10
    async with applier_world(stack, tmp_path) as world:
        started = time.monotonic()
        killing = asyncio.create_task(world.keep_killing(1.0, dice))
        await world.send(changes)
        sent_s = time.monotonic() - started
        counted = await world.settled(timeout_s)
        killing.cancel()
        took_s = time.monotonic() - started
        outcomes = {name: counted.outcomes.get(request) for name, request in counted.submitted.items()}
        print(f"{changes} changes, sent in {sent_s:.0f} s, applied in {took_s:.0f} s")
        print(Counter(outcomes.values()))
        # A claim is one request's, once: nobody released anything again here.
        assert set(counted.claims.values()) == {1}
        assert counted.outcomes.keys() == counted.approved
        effects = await world.effects()
        doubled = {place: count for place, count in effects.items() if count != 1}
        assert not doubled
        for resource, payload in world.approved.items():
            is_there = (resource, payload) in effects
            assert is_there or outcomes[resource] in ("failed", "unknown"), resource
            assert not is_there or outcomes[resource] in ("completed", "unknown"), resource
        assert {resource for resource, _ in effects} <= world.approved.keys()
        assert {outcomes[resource] for resource in world.left} == {None}
        expected = {name: how or "needs_approval" for name, how in outcomes.items()}

        async def table_agrees() -> bool:
            return await world.statuses() == expected

        await until(table_agrees, timeout_s=_TABLE_WITHIN_S)
