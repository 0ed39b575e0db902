"""Four upstreams, ten appliers, three kinds of targets, a kill every second: nothing is lost or doubled."""

import asyncio
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from assent.local.stack import Stack
from tests.support.applier_world import APPLIERS, applier_world
from tests.support.stack import until

CHANGES = int(os.environ.get("ASSENT_SOAK_CHANGES", "100000"))
ROUND = 2_000
"""So many changes have a log of their own, because an applier that starts reads the ledger from its start."""
_ROUND_WITHIN_S = 1_200.0
_TABLE_WITHIN_S = 60.0
_TELL_EVERY_S = 10.0


class Progress:
    """A line every few seconds, with the rate and the time that is left."""

    def __init__(self, of: int) -> None:
        self._of = of
        self._started = self._told = time.monotonic()
        self.done = 0

    def tell(self, in_round: int) -> None:
        now, done = time.monotonic(), self.done + in_round
        if now - self._told >= _TELL_EVERY_S and done:
            self._told = now
            rate = done / (now - self._started)
            left_s = (self._of - done) / rate
            print(f"{done} of {self._of} applied, {rate:.1f}/s, {left_s / 60:.0f} minutes left", flush=True)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(400, marks=(pytest.mark.long, pytest.mark.timeout(300))),
        pytest.param(CHANGES, marks=(pytest.mark.soak, pytest.mark.timeout(0))),
    ],
    ids=["few", "many"],
)
async def test_changes_of_killed_appliers_are_there_once_and_the_ledger_says_so(
    stack: Stack, tmp_path: Path, dice: random.Random, changes: int
) -> None:
    assert sum(APPLIERS.values()) == 10
    progress, started = Progress(changes), time.monotonic()
    outcomes: Counter[str | None] = Counter()
    for number, first in enumerate(range(0, changes, ROUND)):
        folder = tmp_path / str(number)
        folder.mkdir()
        some = min(ROUND, changes - first)
        outcomes += await _one_round(stack, folder, dice, some, progress)
        progress.done += some
        shutil.rmtree(folder)
    took_s = time.monotonic() - started
    print(f"{changes} changes in {took_s:.0f} s, {changes / took_s:.1f}/s: {dict(outcomes)}")
    assert outcomes.total() == changes


async def _one_round(
    stack: Stack, folder: Path, dice: random.Random, changes: int, progress: Progress
) -> Counter[str | None]:
    async with applier_world(stack, folder) as world:
        killing = asyncio.create_task(world.keep_killing(1.0, dice))
        counting = asyncio.create_task(world.settled(_ROUND_WITHIN_S, progress.tell))
        await world.send(changes)
        counted = await counting
        killing.cancel()
        outcomes = {name: counted.outcomes.get(request) for name, request in counted.submitted.items()}
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
        return Counter(outcomes.values())
