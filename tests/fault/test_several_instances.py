"""More than one instance of a service on the same partitions."""

import pytest

from tests.support.world import World


@pytest.mark.timeout(180)
async def test_two_deciders_on_every_partition_decide_everything_once(faulty: World) -> None:
    both = faulty.start("forced", instance="-1") + faulty.start("forced", instance="-2")
    faulty.load.start()
    await faulty.load.until_decided(300)
    for decider in both:
        decider.kill()
        await faulty.load.until_decided(100)
    await faulty.load.finish()
    await faulty.settled(applied=False, tables=False)
    assert sum(decider.says('"lost the lead: starting over"') for decider in both) > 0


@pytest.mark.timeout(180)
async def test_two_readers_of_every_partition_write_each_row_once(faulty: World) -> None:
    faulty.start("decider", "dispatch", "applier")
    readers = faulty.start("forced-status", "forced-audit", instance="-1")
    readers += faulty.start("forced-status", "forced-audit", instance="-2")
    faulty.load.start()
    for number in range(8):
        await faulty.load.until_decided(30)
        readers[number % 4].pause()
        await faulty.load.until_decided(30)
        readers[number % 4].resume()
    await faulty.load.finish()
    await faulty.settled(timeout_s=90)
    assert sum(reader.says('"overtaken"') for reader in readers) > 1


@pytest.mark.timeout(180)
async def test_two_instances_of_every_reader_and_applier_add_up_to_one(faulty: World) -> None:
    faulty.start("decider")
    names = ("status", "audit", "dispatch", "applier")
    firsts = faulty.start(*names, instance="-1")
    faulty.load.start()
    await faulty.load.until_decided(100)
    faulty.start(*names, instance="-2")
    await faulty.load.until_decided(200)
    for first in firsts:
        first.pause()
    await faulty.load.until_decided(150)
    for first in firsts:
        first.resume()
    await faulty.load.until_decided(50)
    await faulty.load.finish()
    await faulty.settled(timeout_s=90)
