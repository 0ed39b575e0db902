"""Everything at once, at random, for long: `make soak`, ASSENT_SOAK_MINUTES of it."""

import asyncio
import os
import random
import time
from collections import Counter

import pytest

from assent.local.stack import Stack
from assent_contracts.topics import LEDGER
from tests.support.forge import FORGERIES, Place
from tests.support.log import PARTITIONS, read_ledger
from tests.support.services import Running
from tests.support.world import World

MINUTES = float(os.environ.get("ASSENT_SOAK_MINUTES", "10"))
LONG_PAUSE_S = 25.0
"""More than a group's session and than a fetch, less than a lease."""


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_hours_of_kills_and_pauses_lose_double_and_forge_nothing(faulty: World, stack: Stack) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {MINUTES:g} minutes")
    choose = random.Random(seed)
    faulty.load.pace_s = 0.5
    services = [
        *faulty.start("decider", "status", "audit", "dispatch", "applier", instance="-1"),
        *faulty.start("decider", "status", "audit", "dispatch", "applier", instance="-2"),
        *faulty.start("forced", instance="-3"),
    ]
    faulty.load.start()
    happened: Counter[str] = Counter()
    waking: set[asyncio.Task[None]] = set()
    end = time.monotonic() + MINUTES * 60
    while time.monotonic() < end:
        await asyncio.sleep(choose.expovariate(0.5))
        faulty.services.revive()
        what = choose.choices(["kill", "pause", "forge", "postgres", "kafka"], [30, 30, 10, 2, 1])[0]
        happened[what] += 1
        match what:
            case "kill":
                choose.choice(services).kill()
            case "pause":
                task = asyncio.create_task(
                    _paused(choose.choice(services), choose.uniform(0.05, LONG_PAUSE_S))
                )
                waking.add(task)
            case "forge":
                await _forge(faulty, choose)
            case "postgres":
                await stack.postgres.kill()
                await asyncio.sleep(choose.uniform(0, 3))
                await stack.postgres.start()
            case "kafka":
                await stack.kafka.kill()
                await stack.kafka.start()
    await asyncio.gather(*waking)
    before = faulty.load.decided
    await faulty.load.finish()
    await faulty.settled(timeout_s=300)
    print(f"{dict(happened)}; {before} commands; deaths {[(each.name, each.deaths) for each in services]}")


async def _paused(service: Running, seconds: float) -> None:
    service.pause()
    await asyncio.sleep(seconds)
    service.resume()


async def _forge(world: World, choose: random.Random) -> None:
    ledger = await read_ledger(world.log, world.follower)
    for partition in range(PARTITIONS):
        if ledger[partition]:
            place = Place(world.log, LEDGER, partition, ledger[partition])
            await place.put(*(FORGERIES[name](place) for name in choose.sample(sorted(FORGERIES), 3)))
