"""kill -9, under load, of every service."""

import random

import pytest

from tests.support.world import ALL, World


async def test_decider_killed_at_many_points_decides_everything_once(
    faulty: World, dice: random.Random
) -> None:
    [decider] = faulty.start("forced")
    faulty.load.start()
    for _ in range(6):
        await faulty.load.until_decided(dice.randint(1, 60))
        decider.kill()
    await faulty.load.until_decided(30)
    await faulty.load.finish()
    await faulty.settled(applied=False, tables=False)


@pytest.mark.timeout(180)
async def test_every_killed_service_continues_where_it_was(faulty: World, dice: random.Random) -> None:
    services = faulty.start(*ALL)
    faulty.load.start()
    await faulty.load.until_decided(60)
    for _ in range(3):
        dice.shuffle(services)
        for service in services:
            await faulty.load.until_decided(dice.randint(1, 20))
            service.kill()
    await faulty.load.until_decided(30)
    await faulty.load.finish()
    await faulty.settled(timeout_s=90)
