"""The tasks of the partitions that a program works on."""

import asyncio

from assent_contracts.client.consumer_group import PartitionTasks

CLEANUP_S = 0.2
PARTITIONS = frozenset(range(24))


async def test_leaving_many_partitions_takes_as_long_as_the_slowest_one() -> None:
    ended: list[int] = []

    async def work(partition: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(CLEANUP_S)
            ended.append(partition)

    tasks = PartitionTasks(work, "work")
    await tasks.work_on(PARTITIONS)
    await asyncio.sleep(0)
    async with asyncio.timeout(10 * CLEANUP_S):
        await tasks.work_on(frozenset({7}))
    assert sorted(ended) == sorted(PARTITIONS - {7})
    await tasks.work_on(frozenset())
