"""Forged records on both ledgers while everything is running."""

import asyncio
import random

import pytest

from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.support.forged_records import FORGERIES, Place
from tests.support.log import PARTITIONS, read_ledger
from tests.support.world import ALL, World


@pytest.mark.timeout(180)
async def test_forged_records_under_load_change_nothing(faulty: World, dice: random.Random) -> None:
    services = faulty.start(*ALL)
    faulty.load.start()
    await faulty.load.until_decided(40)
    forging = asyncio.create_task(_forge(faulty, dice))
    await faulty.load.until_decided(200)
    for service in services:
        service.kill()
    await faulty.load.until_decided(100)
    forging.cancel()
    await asyncio.gather(forging, return_exceptions=True)
    await faulty.load.finish()
    await faulty.settled(timeout_s=90)


async def _forge(world: World, dice: random.Random) -> None:
    while True:
        ledger = await read_ledger(world.log, world.follower)
        for partition in range(PARTITIONS):
            if ledger[partition]:
                # By now the head may or may not have moved: both records must be dropped.
                place = Place(world.log, LEDGER, partition, ledger[partition])
                names = dice.sample(sorted(FORGERIES), 4)
                await place.put(*(FORGERIES[name](place) for name in names))
                await Place(world.log, GOVERNANCE, 0, ledger[partition]).put(FORGERIES[names[0]](place))
