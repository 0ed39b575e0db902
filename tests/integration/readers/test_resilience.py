"""Each accepted record is processed once: with other instances, and after servers and processes end."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

from assent.local.data_directory import Directory
from assent.local.postgres import Postgres
from assent.local.stack import Stack
from assent.store.migrate import migrate
from assent_contracts.client.follower import GovernanceFollower
from tests.integration.readers.conftest import Written, read_all
from tests.integration.readers.expected_tables import assert_each_record_once
from tests.support.log import Actor, Log, deciding, following, fresh_log, publishing
from tests.support.readers import SPECS, Running, caught_up, projected, reading, spawn
from tests.support.stack import until


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
async def test_two_instances_work_side_by_side(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str, name: str, *, same_group: bool
) -> None:
    spec, other = SPECS[name], group if same_group else f"{group}-other"
    async with reading(spec, log, dsn, group), reading(spec, log, dsn, other):
        await caught_up(db, spec, written.heads)
    await assert_each_record_once(db, name, written)


async def test_instance_that_ends_leaves_its_partitions_to_the_other(
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


async def test_failed_transaction_is_tried_again_and_nothing_is_skipped(
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


async def test_killed_processes_continue_where_they_were_and_sigterm_ends_them_cleanly(
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


async def test_readers_survive_a_killed_and_restarted_postgres(
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


async def test_readers_survive_a_killed_and_restarted_kafka(tmp_path: Path) -> None:
    """A stack of its own; both readers in one story, because each start takes seconds."""
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
