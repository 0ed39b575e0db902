"""Brokers killed, alone and in pairs, and restarted one after another, under load."""

import asyncio
from functools import partial
from itertools import combinations

import pytest

from tests.support.cluster.brokers import NODES
from tests.support.cluster.measured import Measured
from tests.support.cluster.world import ClusterWorld

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

_AWAY_S = 10.0
_START_LIMIT_S = 150.0
"""Two brokers have to start in it."""


async def test_each_broker_killed_in_turn_loses_doubles_and_contradicts_nothing(
    world: ClusterWorld, measured: Measured, tries: int
) -> None:
    brokers = world.cluster.brokers
    for _ in range(tries):
        first = await brokers.controller()
        for node in sorted(NODES, key=lambda each: each != first):
            what = "the controller killed" if node == await brokers.controller() else "a broker killed"
            pause = await world.disturbed(partial(brokers.kill, node), partial(brokers.revive, node))
            measured.add(what, pause)
    world.nothing_ended()


async def test_pairs_of_brokers_killed_lose_double_and_contradict_nothing(
    world: ClusterWorld, measured: Measured, tries: int
) -> None:
    brokers = world.cluster.brokers
    pairs = list(combinations(NODES, 2))
    # One after the other: each pair takes long, because without a majority nothing can be acknowledged.
    for number in range(tries):
        pair = pairs[number % len(pairs)]

        async def killed_for_a_while(pair: tuple[int, int] = pair) -> None:
            await brokers.kill(*pair)
            await asyncio.sleep(_AWAY_S)
            brokers.run(*pair)

        pause = await world.disturbed(killed_for_a_while, brokers.settled, limit_s=_START_LIMIT_S)
        measured.add(f"two of three killed for {_AWAY_S:.0f} s", pause)
    world.nothing_ended()


async def test_brokers_restarted_one_after_another_lose_double_and_contradict_nothing(
    world: ClusterWorld, measured: Measured, tries: int
) -> None:
    brokers = world.cluster.brokers
    for _ in range(tries):
        for node in NODES:

            async def restarted(node: int = node) -> None:
                await brokers.stop_one(node)
                await brokers.revive(node)

            measured.add("a broker restarted in order", await world.disturbed(restarted))
    world.nothing_ended()
