"""Every fault at once, at random, for a long time: `make soak`, ASSENT_SOAK_MINUTES of it."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from assent.local.stack import Stack
from assent_contracts.topics import LEDGER
from tests.support.backups import copy_postgres, restore_postgres
from tests.support.forged_records import FORGERIES, Place
from tests.support.log import PARTITIONS, read_ledger
from tests.support.rotation import Rotation
from tests.support.world import World

MINUTES = float(os.environ.get("ASSENT_SOAK_MINUTES", "10"))
LONG_PAUSE_S = 25.0
"""Longer than a group's session and a fetch, shorter than a lease."""
_HOUR_MS: Final = 3_600_000
STEPS_MS: Final = (-48 * _HOUR_MS, -2 * _HOUR_MS, -600_000, 600_000, 2 * _HOUR_MS, 48 * _HOUR_MS)
_OFTEN: Final = {"kill": 30, "pause": 30, "forge": 10, "clock": 6, "postgres": 2, "kafka": 1}
_ONCE: Final = (
    (0.15, "copy of postgres"),
    (0.3, "rotation"),
    (0.5, "older postgres"),
    (0.6, "kafka"),
    (0.7, "rotation"),
)
"""What certainly happens, and after which share of the time."""


class Soak:
    """The faults that can happen to one world."""

    def __init__(self, world: World, stack: Stack, folder: Path, choose: random.Random) -> None:
        self.happened: Counter[str] = Counter()
        self._world = world
        self._stack = stack
        self._copy = folder / "older-postgres"
        self._choose = choose
        self._rotation = Rotation(world)
        self._waking: set[asyncio.Task[None]] = set()
        self.services = [
            *world.start("decider", "status", "audit", "dispatch", "applier", instance="-1"),
            *world.start("decider", "status", "audit", "dispatch", "applier", instance="-2"),
            *world.start("forced", instance="-3"),
        ]

    async def happen(self, what: str) -> None:
        """Make one fault happen, by its name."""
        self.happened[what] += 1
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "kill": self._kill,
            "pause": self._pause,
            "forge": self._forge,
            "clock": self._clock,
            "postgres": self._postgres,
            "kafka": self._kafka,
            "rotation": self._rotate,
            "copy of postgres": self._copy_postgres,
            "older postgres": self._older_postgres,
        }
        await ways[what]()

    async def calm(self) -> None:
        """No process is paused any more, and the clock is right."""
        await asyncio.gather(*self._waking)

    async def _kill(self) -> None:
        self._choose.choice(self.services).kill()

    async def _pause(self) -> None:
        service, seconds = self._choose.choice(self.services), self._choose.uniform(0.05, LONG_PAUSE_S)
        service.pause()
        self._later(seconds, service.resume)

    async def _clock(self) -> None:
        """A step of the forced decider's clock, and back."""
        clock = self._world.clock
        clock.write_text(str(self._choose.choice(STEPS_MS)))
        self._later(self._choose.uniform(0.5, 15.0), lambda: clock.write_text("0"))

    def _later(self, seconds: float, then: Callable[[], object]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            then()

        self._waking.add(asyncio.create_task(wait()))

    async def _forge(self) -> None:
        ledger = await read_ledger(self._world.log, self._world.follower)
        for partition in range(PARTITIONS):
            if ledger[partition]:
                place = Place(self._world.log, LEDGER, partition, ledger[partition])
                names = self._choose.sample(sorted(FORGERIES), 3)
                await place.put(*(FORGERIES[name](place) for name in names))

    async def _postgres(self) -> None:
        await self._stack.postgres.kill()
        await asyncio.sleep(self._choose.uniform(0, 3))
        await self._stack.postgres.start()

    async def _kafka(self) -> None:
        await self._stack.kafka.kill()
        await self._stack.kafka.start()

    async def _rotate(self) -> None:
        await self.calm()
        await self._rotation.turn([each for each in self.services if each.name.startswith(_DECIDERS)])

    async def _copy_postgres(self) -> None:
        await copy_postgres(self._stack, self._copy)

    async def _older_postgres(self) -> None:
        await restore_postgres(self._stack, self._copy)


_DECIDERS: Final = ("decider", "forced")


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_hours_of_faults_lose_double_and_forge_nothing(
    faulty: World, stack: Stack, tmp_path: Path, dice: random.Random
) -> None:
    print(f"{MINUTES:g} minutes")
    faulty.load.pace_s = 0.5
    soak = Soak(faulty, stack, tmp_path, dice)
    faulty.load.start()
    started, whole = time.monotonic(), MINUTES * 60
    certain = list(_ONCE)
    while (passed := time.monotonic() - started) < whole:
        await asyncio.sleep(dice.expovariate(0.5))
        faulty.services.revive()
        if certain and passed > certain[0][0] * whole:
            what = certain.pop(0)[1]
        else:
            what = dice.choices([*_OFTEN], [*_OFTEN.values()])[0]
        await soak.happen(what)
    await soak.calm()
    before = faulty.load.decided
    await faulty.load.finish()
    await faulty.settled(timeout_s=300)
    deaths = {each.name: each.deaths for each in soak.services if each.deaths}
    print(f"{dict(soak.happened)}; {before} commands; ended by themselves: {deaths}")
