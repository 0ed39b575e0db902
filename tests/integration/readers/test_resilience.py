"""Each accepted record is taken in once: beside other instances, and after any failure at any moment."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from aiokafka import ConsumerRecord, TopicPartition

from assent.local.directory import Directory
from assent.local.postgres import Postgres
from assent.local.stack import Stack
from assent.observe.health import Health
from assent.store.migrate import migrate
from assent.store.pool import open_pool
from assent.store.projector import Projector
from assent.store.service import ReaderSpec
from assent_contracts.client.connection import reading as consuming
from assent_contracts.client.ending import end
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.client.follower import GovernanceFollower
from tests.integration.readers.conftest import Written, read_all
from tests.integration.readers.test_status import counted_rows, recount
from tests.support.log import Actor, Log, deciding, following, fresh_log, publishing
from tests.support.readers import SPECS, Running, caught_up, projected, reading, spawn, wanted
from tests.support.readers import positions as positions_of
from tests.support.stack import until

_KILLS = 40
_TURNS_MORE = 7


async def assert_each_record_once(db: asyncpg.Connection, name: str, written: Written) -> None:
    """The reader's tables hold exactly what the ledger says."""
    assert await positions_of(db, SPECS[name]) == wanted(SPECS[name], written.heads)
    if name == "status":
        assert await counted_rows(db) == recount(written)
        return
    rows = await db.fetch("select ledger, partition, seq, value_sha256 from audit")
    assert sorted(tuple(row) for row in rows) == sorted(
        (*place, each.record.seq, each.value_sha256)
        for place, run in written.accepted.items()
        for each in run
    )


async def not_ready(running: Running, *conditions: str) -> None:
    """Wait until these health conditions are missing."""

    async def missing() -> bool:
        assert not running.task.done(), running.task
        return all(condition in running.health.missing() for condition in conditions)

    await until(missing)


async def ready(running: Running) -> None:
    """Wait until nothing is missing."""

    async def nothing_missing() -> bool:
        assert not running.task.done(), running.task
        return not running.health.missing()

    await until(nothing_missing)


@pytest.mark.parametrize("same_group", [True, False], ids=["sharing", "both project all"])
async def test_two_instances_side_by_side(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str, name: str, *, same_group: bool
) -> None:
    spec, other = SPECS[name], group if same_group else f"{group}-other"
    async with reading(spec, log, dsn, group), reading(spec, log, dsn, other):
        await caught_up(db, spec, written.heads)
    await assert_each_record_once(db, name, written)


async def test_an_instance_that_ends_leaves_its_partitions_to_the_other(
    log: Log,
    follower: GovernanceFollower,
    actor: Actor,
    dsn: str,
    db: asyncpg.Connection,
    group: str,
    name: str,
) -> None:
    spec = SPECS[name]
    async with reading(spec, log, dsn, group):
        async with reading(spec, log, dsn, group):
            await caught_up(db, spec, (await read_all(log, follower)).heads)
        await asyncio.gather(*(actor.opened(f"app/{group}-{number}") for number in range(20)))
        now = await read_all(log, follower)
        await caught_up(db, spec, now.heads)
    await assert_each_record_once(db, name, now)


async def raw_records(log: Log, place: TopicPartition) -> list[ConsumerRecord]:
    """Everything on a partition, junk too."""
    consumer = await consuming(log.connection, {place: 0})
    try:
        end = (await consumer.end_offsets([place]))[place]
        records: list[ConsumerRecord] = []
        while (await positions(consumer))[place] < end:
            records += (await fetch(consumer, timeout_ms=200)).get(place, [])
    finally:
        await consumer.stop()
    return records


@asynccontextmanager
async def projecting(spec: ReaderSpec, follower: GovernanceFollower, dsn: str) -> AsyncIterator[Projector]:
    """The reader's projector alone."""
    pool = await open_pool(dsn, spec.role, application="test")
    try:
        yield Projector(spec.reader, pool, follower, spec.write, Health())
    finally:
        pool.terminate()


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_it_does_not_matter_where_a_batch_ends(
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
    async with projecting(spec, follower, dsn) as projector:
        for topic, partition in wanted(spec, written.heads):
            place = TopicPartition(topic, partition)
            records = await raw_records(log, place)
            offset = 0
            while behind := [record for record in records if record.offset >= offset]:
                offset = await projector.take(place, behind[:size])
    await assert_each_record_once(db, name, written)


async def _take(
    projector: Projector, place: TopicPartition, records: list[ConsumerRecord], wanted: int
) -> int:
    """As the stream does: what is still not there when it is asked for again is a real gap."""
    taken = await projector.take(place, records)
    return taken if taken != wanted else await projector.take(place, records)


async def test_resume_after_a_kill_at_any_point(
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
            projector = Projector(spec.reader, pool, follower, spec.write, Health())
            taking = asyncio.create_task(_take(projector, place, behind[:40], offset))
            while not taking.done() and (turns > 0 or kills >= _KILLS):
                turns -= 1
                await asyncio.sleep(0)
            # As the kernel does it: the socket first.
            pool.terminate()
            # asyncpg, which loses its connection at that moment, may lose a cancellation with it.
            await end(taking)
            [taken] = await asyncio.gather(taking, return_exceptions=True)
            if isinstance(taken, int):
                offset, turns = taken, 1
            else:
                kills += 1
                turns = kills * _TURNS_MORE
    assert kills >= _KILLS
    await assert_each_record_once(db, name, written)


async def test_batches_that_do_not_follow_are_sent_back_or_skipped(
    log: Log, written: Written, follower: GovernanceFollower, dsn: str, db: asyncpg.Connection, name: str
) -> None:
    spec, place = SPECS[name], TopicPartition("assent.ledger", 0)
    records = await raw_records(log, place)
    async with projecting(spec, follower, dsn) as projector:
        assert await projector.take(place, records[20:30]) == 0
        assert await projector.take(place, records[:10]) == 10
        assert await projector.take(place, records[:5]) == 10
        assert await projector.take(place, records[5:20]) == 20
        # Asked for once already, and still the next one that there is: the offsets between do not exist.
        assert await projector.take(place, records[25:30]) == 20
        assert await projector.take(place, records[25:30]) == 30
        projector.forget([place])
        head = (await positions_of(db, spec))[(place.topic, place.partition)]
        assert await projector.take(place, records[29:]) in (head.next_offset, records[-1].offset + 1)


async def test_a_transaction_that_fails_is_tried_again_and_nothing_is_skipped(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str, name: str
) -> None:
    spec, table = SPECS[name], {"audit": "audit", "status": "requests"}[name]
    await db.execute(f"alter table {table} rename to away")
    async with reading(spec, log, dsn, group) as running:
        await not_ready(running, "assent.ledger/0")
        assert await projected(db, spec) == 0
        await db.execute(f"alter table away rename to {table}")
        await caught_up(db, spec, written.heads)
        await ready(running)
    await assert_each_record_once(db, name, written)


async def test_killed_processes_go_on_where_they_were_and_sigterm_ends_them_cleanly(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, name: str
) -> None:
    spec = SPECS[name]

    async def moved() -> bool:
        return await projected(db, spec) > 0

    first = await spawn(name, log, dsn)
    await until(moved)
    first.kill()
    await first.communicate()
    second = await spawn(name, log, dsn)
    await caught_up(db, spec, written.heads)
    second.send_signal(signal.SIGTERM)
    _, lines = await second.communicate()
    assert second.returncode == 0
    assert b'"event": "stopped"' in lines
    await assert_each_record_once(db, name, written)


async def test_postgres_killed_and_started_again(
    log: Log,
    written: Written,
    follower: GovernanceFollower,
    actor: Actor,
    group: str,
    name: str,
    tmp_path: Path,
) -> None:
    directory = Directory(tmp_path / "data")
    directory.create()
    postgres = Postgres(directory, lambda _line: None)
    await postgres.start()
    try:
        await migrate(postgres.dsn)
        spec = SPECS[name]
        async with reading(spec, log, postgres.dsn, group) as running:
            await ready(running)
            await postgres.kill()
            await asyncio.gather(*(actor.opened(f"app/{group}-{number}") for number in range(20)))
            await not_ready(running, "postgres")
            await postgres.start()
            now = await read_all(log, follower)
            db = await asyncpg.connect(postgres.dsn)
            try:
                await caught_up(db, spec, now.heads)
                await ready(running)
                await assert_each_record_once(db, name, now)
            finally:
                await db.close()
    finally:
        await postgres.stop()


async def test_kafka_killed_and_started_again(tmp_path: Path) -> None:
    """A stack of its own; both readers in one story, because each start costs seconds."""
    async with Stack(tmp_path / "data") as stack:
        log = await fresh_log(stack.bootstrap, tmp_path / "keys")
        await migrate(stack.dsn)
        db = await asyncpg.connect(stack.dsn)
        try:
            async with (
                following(log) as follower,
                reading(SPECS["audit"], log, stack.dsn, "audit") as audit,
                reading(SPECS["status"], log, stack.dsn, "status") as status,
            ):
                async with deciding(log, follower), publishing(log, follower) as actor:
                    await actor.released("script/before.sh")
                before = await read_all(log, follower)
                for name, running in (("audit", audit), ("status", status)):
                    await caught_up(db, SPECS[name], before.heads)
                    await ready(running)
                await stack.kafka.kill()
                await not_ready(audit, "kafka")
                await not_ready(status, "kafka")
                await stack.kafka.start()
                async with deciding(log, follower), publishing(log, follower) as actor:
                    await actor.released("script/after.sh")
                after = await read_all(log, follower)
                for name, running in (("audit", audit), ("status", status)):
                    await caught_up(db, SPECS[name], after.heads)
                    await ready(running)
                    await assert_each_record_once(db, name, after)
        finally:
            await db.close()
