"""Each accepted record is processed once, wherever a batch begins or ends and whenever it is interrupted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka import ConsumerRecord, TopicPartition

from assent.observe.health import Health
from assent.store.log_watch import LogWatch
from assent.store.pool import open_pool
from assent.store.projector import Projector
from assent.store.reader_service import ReaderSpec
from assent_contracts.client.connection import open_consumer as consuming
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.record_fetching import positions
from assent_contracts.client.task_end import end
from tests.integration.readers.conftest import Written
from tests.integration.readers.expected_tables import assert_each_record_once
from tests.support.log import Log
from tests.support.readers import SPECS, wanted
from tests.support.readers import positions as positions_of

_KILLS = 40
_TURNS_MORE = 7


async def raw_records(log: Log, place: TopicPartition) -> list[ConsumerRecord]:
    """Everything on a partition, including junk."""
    consumer = await consuming(log.connection, {place: 0})
    try:
        end = (await consumer.end_offsets([place]))[place]
        records: list[ConsumerRecord] = []
        while (await positions(consumer))[place] < end:
            records += (await consumer.getmany(timeout_ms=200)).get(place, [])
    finally:
        await consumer.stop()
    return records


@asynccontextmanager
async def projecting(
    spec: ReaderSpec, log: Log, follower: GovernanceFollower, dsn: str
) -> AsyncIterator[Projector]:
    """The reader's projector alone."""
    pool = await open_pool(dsn, spec.role, application="test")
    try:
        yield projector_of(spec, log, follower, pool)
    finally:
        pool.terminate()


def projector_of(spec: ReaderSpec, log: Log, follower: GovernanceFollower, pool: asyncpg.Pool) -> Projector:
    """Its watch never looks, because the log has not changed."""
    watch = LogWatch(spec.reader, pool, log.connection, log.identity, Health())
    return Projector(spec.reader, pool, follower, spec.write, Health(), watch)


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_result_does_not_depend_on_where_a_batch_ends(
    log: Log,
    written: Written,
    follower: GovernanceFollower,
    dsn: str,
    db: asyncpg.Connection,
    name: str,
    size: int,
) -> None:
    """A run that is open at the end of a batch is accepted by a later one."""
    spec = SPECS[name]
    async with projecting(spec, log, follower, dsn) as projector:
        for topic, partition in wanted(spec, written.heads):
            place = TopicPartition(topic, partition)
            records = await raw_records(log, place)
            offset = 0
            while behind := [record for record in records if record.offset >= offset]:
                offset = await _take(projector, place, behind[:size], -1)
    await assert_each_record_once(db, name, written)


async def _take(
    projector: Projector, place: TopicPartition, records: list[ConsumerRecord], wanted: int
) -> int:
    """As the stream does: what is still missing when it is requested again is a real gap."""
    taken = await projector.take(place, records)
    taken = taken if taken != wanted else await projector.take(place, records)
    assert taken is not None
    return taken


async def test_reader_killed_at_any_point_resumes(
    log: Log, written: Written, follower: GovernanceFollower, dsn: str, db: asyncpg.Connection, name: str
) -> None:
    """Killed a few turns of the event loop later each time, until a batch gets through; then the next one."""
    spec = SPECS[name]
    places = [TopicPartition(*place) for place in wanted(spec, written.heads)]
    records = {place: await raw_records(log, place) for place in places}
    kills = 0
    for place in places:
        offset, turns = 0, 1
        while behind := [record for record in records[place] if record.offset >= offset]:
            pool = await open_pool(dsn, spec.role, application="test")
            await pool.execute("select 1")
            projector = projector_of(spec, log, follower, pool)
            taking = asyncio.create_task(_take(projector, place, behind[:40], offset))
            while not taking.done() and (turns > 0 or kills >= _KILLS):
                turns -= 1
                await asyncio.sleep(0)
            # As the kernel does it: the socket first.
            pool.terminate()
            # asyncpg loses its connection at that moment and may swallow a cancellation.
            await end(taking)
            [taken] = await asyncio.gather(taking, return_exceptions=True)
            if isinstance(taken, int):
                offset, turns = taken, 1
            else:
                kills += 1
                turns = kills * _TURNS_MORE
    assert kills >= _KILLS
    await assert_each_record_once(db, name, written)


async def test_batches_that_do_not_continue_are_requested_again_or_skipped(
    log: Log, written: Written, follower: GovernanceFollower, dsn: str, db: asyncpg.Connection, name: str
) -> None:
    spec, place = SPECS[name], TopicPartition("assent.ledger", 0)
    records = await raw_records(log, place)
    async with projecting(spec, log, follower, dsn) as projector:
        assert await projector.take(place, records[20:30]) == 0
        assert await projector.take(place, records[:10]) == 10
        assert await projector.take(place, records[:5]) == 10
        assert await projector.take(place, records[5:20]) == 20
        # Requested once already, and still the next existing one: the offsets in between do not exist.
        assert await projector.take(place, records[25:30]) == 20
        assert await projector.take(place, records[25:30]) == 30
        projector.forget([place])
        head = (await positions_of(db, spec))[(place.topic, place.partition)]
        assert await projector.take(place, records[29:]) in (head.next_offset, records[-1].offset + 1)
