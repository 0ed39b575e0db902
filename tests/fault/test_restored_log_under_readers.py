"""A log that was cut, restored or recreated beneath its readers, and their own stores restored beneath it."""

import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from assent.local.stack import Stack
from assent.observe.health import Health, Reason
from assent_contracts.client.connection import open_producer
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.heads import Finding
from assent_contracts.partitioner import partition_for
from assent_contracts.topics import LEDGER
from tests.support.backups import copy_kafka, restore_kafka
from tests.support.handover import Folders, applying, dispatching, events_of, read_changes
from tests.support.handover import Running as Handing
from tests.support.log import PARTITIONS, Actor, Log, deciding, following, fresh_log, publishing
from tests.support.losses import accept_the_loss, known_beyond
from tests.support.raw_records import RawRecord, build_batch, produce_raw, raw_headers
from tests.support.readers import SPECS, Running, positions, reading
from tests.support.recount import read_topic
from tests.support.stack import fresh_database, migrated_database, until
from tests.support.tampering import forget_records, recreate_topic

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]
ALL = (*SPECS,)
EIGHT = [
    name
    for partition in range(PARTITIONS)
    for name in itertools.islice(
        (
            name
            for name in map(str, itertools.count())
            if partition_for(f"script/{name}".encode(), PARTITIONS) == partition
        ),
        2,
    )
]
"""Names of scripts: two in each partition."""


@pytest_asyncio.fixture
async def log(stack: Stack, tmp_path: Path) -> Log:
    return await fresh_log(stack.bootstrap, tmp_path / "keys")


@pytest_asyncio.fixture
async def dsn(stack: Stack) -> str:
    return await migrated_database(stack.dsn, "restored")


@asynccontextmanager
async def acting(log: Log) -> AsyncIterator[Actor]:
    """Acts as any principal, with a decider, for a while."""
    async with following(log) as follower, deciding(log, follower), publishing(log, follower) as actor:
        yield actor


async def submitted(log: Log, *names: str) -> None:
    """Scripts' changes are submitted."""
    async with acting(log) as actor:
        for name in names:
            await actor.opened(f"script/{name}")


async def lacks(health: Health, *words: str) -> Reason:
    """Wait for a reason about a partition's history that contains these words."""
    found: list[Reason] = []

    async def is_there() -> bool:
        found[:] = [
            reason
            for condition, reason in health.missing().items()
            if condition.startswith("history of ") and all(word in reason.why for word in words)
        ]
        return bool(found)

    await until(is_there, timeout_s=60)
    assert found[0].todo
    return found[0]


async def whole(health: Health) -> None:
    """Wait until nothing is missing."""

    async def is_whole() -> bool:
        return not health.missing()

    await until(is_whole, timeout_s=60)


@asynccontextmanager
async def reading_all(log: Log, dsn: str) -> AsyncIterator[dict[str, Running]]:
    """Status and audit."""
    async with AsyncExitStack() as running:
        yield {
            name: await running.enter_async_context(reading(SPECS[name], log, dsn, f"put-back-{name}"))
            for name in ALL
        }


async def records_in(dsn: str) -> tuple[int, int]:
    """Requests, and audit rows of the request ledger."""
    db = await asyncpg.connect(dsn)
    try:
        return (
            await db.fetchval("select count(*) from requests"),
            await db.fetchval("select count(*) from audit where ledger = 'assent.ledger'"),
        )
    finally:
        await db.close()


async def has_records(dsn: str, count: int) -> None:
    async def are_there() -> bool:
        return await records_in(dsn) == (count, count)

    await until(are_there, timeout_s=60)


async def test_older_kafka_is_not_projected_until_the_newer_one_is_back(
    log: Log, stack: Stack, dsn: str, tmp_path: Path
) -> None:
    await submitted(log, *"abcdefgh")
    old = await copy_kafka(stack, tmp_path / "old")
    await submitted(log, *"ijklmnop")
    async with reading_all(log, dsn) as readers:
        await has_records(dsn, 16)
        new = await copy_kafka(stack, tmp_path / "new")
        await restore_kafka(stack, old)
        for reader in readers.values():
            why = (await lacks(reader.health, "assent.ledger/", "ends at offset")).why
            assert "was known up to offset" in why
    # Another history is written, longer than the known one, and readers are started on it.
    async with reading_all(log, dsn) as readers:
        for reader in readers.values():
            await lacks(reader.health, "ends at offset")
        await submitted(log, *(f"other-{number}" for number in range(40)))
        for reader in readers.values():
            await lacks(reader.health, "it is another history")
        assert await records_in(dsn) == (16, 16)
        await restore_kafka(stack, new)
        for reader in readers.values():
            await whole(reader.health)
        await submitted(log, "q")
        await has_records(dsn, 17)


async def test_readers_follow_no_governance_older_than_what_postgres_knows(log: Log, dsn: str) -> None:
    """With governance restored to before a loss, what was given up would count."""
    await submitted(log, *"ab")
    async with known_beyond(log, dsn, 0, "governance"):
        async with reading_all(log, dsn) as readers:
            for reader in readers.values():
                await lacks(reader.health, "assent.governance/0 ends at offset")
        assert await records_in(dsn) == (0, 0)
    async with reading_all(log, dsn) as readers:
        await has_records(dsn, 2)
        async with known_beyond(log, dsn, 0, "governance"):
            for reader in readers.values():
                await lacks(reader.health, "assent.governance/0 ends at offset")
        for reader in readers.values():
            await whole(reader.health)
        await submitted(log, "c")
        await has_records(dsn, 3)


async def test_reader_that_has_read_given_up_records_is_told_even_if_they_are_back(
    log: Log, stack: Stack, dsn: str, tmp_path: Path
) -> None:
    await submitted(log, *"abcdefgh")
    old = await copy_kafka(stack, tmp_path / "old")
    await submitted(log, *EIGHT)
    async with reading_all(log, dsn):
        await has_records(dsn, 16)
    lost = await read_topic(log.connection, LEDGER)
    await restore_kafka(stack, old)
    await accept_the_loss(log)
    there = await read_topic(log.connection, LEDGER)
    for partition, records in lost.items():
        # At their old offsets, byte for byte.
        behind = records[len(there[partition]) :]
        again = [RawRecord(each.value, each.key, raw_headers(list(each.headers))) for each in behind]
        await produce_raw(log.connection, LEDGER, partition, build_batch(again))
    async with reading_all(log, dsn) as readers:
        for reader in readers.values():
            why = await lacks(reader.health, "assent.ledger/", "what came after that is given up")
            assert "restore rebuild" in why.todo
    empty = await migrated_database(dsn, "restored_rebuilt")
    async with reading_all(log, empty) as readers:
        await has_records(empty, 8)
        for reader in readers.values():
            await whole(reader.health)


async def test_deleted_beginning_of_the_ledger_is_noticed(log: Log, dsn: str) -> None:
    await submitted(log, *EIGHT)
    places = {TopicPartition(LEDGER, partition): 1 for partition in range(PARTITIONS)}
    async with reading_all(log, dsn) as readers:
        await has_records(dsn, 8)
        await forget_records(log.connection, places)
        for reader in readers.values():
            await lacks(reader.health, "begins at offset 1 and not at 0")
    empty = await migrated_database(dsn, "restored_empty")
    async with reading_all(log, empty) as readers:
        for reader in readers.values():
            await lacks(reader.health, "begins at offset 1 and not at 0")
        assert await records_in(empty) == (0, 0)
    async with following(log) as follower:
        reader = LedgerReader(log.connection, follower, dict.fromkeys(range(PARTITIONS)))
        with pytest.raises(LedgerDiffersError) as raised:
            await reader.start()
        assert {finding.kind for finding in raised.value.findings} == {"beginning-gone"}


async def test_ledger_recreated_while_it_is_read_is_noticed(log: Log, dsn: str) -> None:
    await submitted(log, *"abcdefgh")
    async with following(log) as follower, reading_all(log, dsn) as readers:
        await has_records(dsn, 8)
        ledger = LedgerReader(log.connection, follower, dict.fromkeys(range(PARTITIONS)))
        await ledger.start()
        try:
            async for _ in ledger.until(await ledger.end_offsets()):
                pass
            await recreate_topic(log.connection, LEDGER)
            producer = await open_producer(log.connection)
            for partition in range(PARTITIONS):
                for _ in range(20):
                    await producer.send_and_wait(LEDGER, b"junk", partition=partition)
            await producer.stop()
            findings = await differs(ledger)
            assert {finding.kind for finding in findings} == {"other-history"}
        finally:
            await ledger.stop()
        for reader in readers.values():
            await lacks(reader.health, "it is another history")


async def differs(ledger: LedgerReader) -> tuple[Finding, ...]:
    """Poll until it raises."""
    found: list[Finding] = []

    async def raises() -> bool:
        try:
            await ledger.poll()
        except LedgerDiffersError as error:
            found[:] = error.findings
        return bool(found)

    await until(raises, timeout_s=60)
    return tuple(found)


async def test_older_tables_catch_up(log: Log, stack: Stack, dsn: str) -> None:
    await submitted(log, *"abcd")
    async with reading_all(log, dsn):
        await has_records(dsn, 4)
    older = await copy_of_database(stack.dsn, "restored", "restored_older")
    await submitted(log, *"efgh")
    async with reading_all(log, dsn):
        await has_records(dsn, 8)
    async with reading_all(log, older) as readers:
        await has_records(older, 8)
        for reader in readers.values():
            await whole(reader.health)
    db, other = await asyncpg.connect(dsn), await asyncpg.connect(older)
    try:
        for spec in SPECS.values():
            assert await positions(db, spec) == await positions(other, spec)
    finally:
        await db.close()
        await other.close()


async def copy_of_database(server: str, name: str, copy: str) -> str:
    """As when a backup of the database is restored next to it."""
    made = await fresh_database(server, copy)
    db = await asyncpg.connect(server)
    try:
        await db.execute(f'drop database "{copy}"')
        await db.execute(f'create database "{copy}" template "{name}"')
    finally:
        await db.close()
    return made


async def test_dispatch_stops_on_an_older_kafka_until_the_newer_one_is_back(
    log: Log, stack: Stack, tmp_path: Path
) -> None:
    await submitted(log, *EIGHT)
    old = await copy_kafka(stack, tmp_path / "old")
    health = Health()
    async with following(log) as follower, dispatching(log, follower, health):
        async with acting(log) as actor:
            request = await actor.released("script/waits")

            async def is_dispatched() -> bool:
                records = await read_changes(log.connection)
                return request.resource.encode() in {record.key for record in records}

            await until(is_dispatched)
        new = await copy_kafka(stack, tmp_path / "new")
        await restore_kafka(stack, old)
        await lacks(health, "ends at offset", "and was known up to offset")
        await restore_kafka(stack, new)
        await whole(health)


@asynccontextmanager
async def handing_over(log: Log, folders: Folders) -> AsyncIterator[tuple[Actor, Handing]]:
    """Any principal, a decider, dispatch, and an applier with these folders, for a while."""
    async with (
        acting(log) as actor,
        following(log) as follower,
        dispatching(log, follower),
        applying(log, follower, folders) as applier,
    ):
        yield actor, applier


async def differs_in(applier: Handing, *kinds: tuple[int, str]) -> None:
    """Wait until the applier has reported exactly this for these partitions, possibly among others."""

    async def is_found() -> bool:
        found = {(partition, finding.kind) for partition, finding in applier.differing.items()}
        return found >= set(kinds) if kinds else not found

    await until(is_found, timeout_s=60)


async def test_applier_newer_than_the_log_applies_nothing_under_a_reused_id(
    log: Log, stack: Stack, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    written = folders.target / "script" / "text"
    async with handing_over(log, folders) as (actor, applier):
        first = await actor.released("script/text", b'"first"')
        await applier.of(first.request, "succeeded")
    old = await copy_kafka(stack, tmp_path / "old")
    async with handing_over(log, folders) as (actor, applier):
        second = await actor.released("script/text", b'"second"')
        await applier.of(second.request, "succeeded")
    new = await copy_kafka(stack, tmp_path / "new")
    await restore_kafka(stack, old)
    partition = int(second.request.partition("-")[0])
    async with handing_over(log, folders) as (actor, applier):
        await differs_in(applier, (partition, "cut"))
        another = await actor.released("script/text", b'"another"')
        assert another.request == second.request, "the id is used once more"
        # Until the other history is longer than the one that the applier knows.
        for _ in range(2):
            await actor.submit("script/text")
        await differs_in(applier, (partition, "other-history"))
        async with following(log) as follower:
            assert (await events_of(log, follower, another.request))[-1] == "change-released"
        assert written.read_text() == "second"
        assert applier.results() == []
        await restore_kafka(stack, new)
        await differs_in(applier)
    async with handing_over(log, folders) as (actor, applier):
        third = await actor.released("script/text", b'"third"')
        await applier.of(third.request, "succeeded")
    assert written.read_text() == "third"


async def test_applier_with_its_old_folder_continues_once_the_loss_is_accepted(
    log: Log, stack: Stack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = Folders.of(tmp_path)
    written = folders.target / "script" / "text"
    async with handing_over(log, folders) as (actor, applier):
        first = await actor.released("script/text", b'"first"')
        await applier.of(first.request, "succeeded")
    old = await copy_kafka(stack, tmp_path / "old")
    async with handing_over(log, folders) as (actor, applier):
        second = await actor.released("script/text", b'"second"')
        await applier.of(second.request, "succeeded")
    await restore_kafka(stack, old)
    partition = int(second.request.partition("-")[0])
    async with handing_over(log, folders) as (actor, applier):
        await differs_in(applier, (partition, "cut"))
    await accept_the_loss(log)
    for content in ("another", "later"):
        async with handing_over(log, folders) as (actor, applier):
            await differs_in(applier)
            request = await actor.released("script/text", f'"{content}"'.encode())
            assert content == "later" or request.request == second.request, "the id is used once more"
            await applier.of(request.request, "succeeded")
            assert written.read_text() == content
            assert applier.results().count("succeeded") == 1, "what was applied before is not applied again"
    said = [each.getMessage() for each in caplog.records if "a loss was accepted" in each.getMessage()]
    assert len(said) == 1, "once, and not at each start"
    assert f"{LEDGER}/{partition}" in said[0]


async def test_running_dispatch_and_applier_continue_once_the_loss_is_accepted(
    log: Log, stack: Stack, tmp_path: Path
) -> None:
    folders, health = Folders.of(tmp_path), Health()
    old = await copy_kafka(stack, tmp_path / "old")
    async with (
        following(log) as follower,
        dispatching(log, follower, health),
        applying(log, follower, folders) as applier,
    ):
        async with acting(log) as actor:
            lost = await actor.released("script/text", b'"lost"')
            await applier.of(lost.request, "succeeded")
        await restore_kafka(stack, old)
        await differs_in(applier, (int(lost.request.partition("-")[0]), "cut"))
        await lacks(health, "ends at offset", "and was known up to offset")
        await accept_the_loss(log)
        await differs_in(applier)
        await whole(health)
        async with acting(log) as actor:
            another = await actor.released("script/text", b'"another"')
            assert another.request == lost.request, "the id is used once more"

            async def is_applied() -> bool:
                return (folders.target / "script" / "text").read_text() == "another"

            await until(is_applied, timeout_s=60)


async def test_applier_continues_in_the_partitions_that_do_not_differ(log: Log, tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    async with handing_over(log, folders) as (actor, applier):
        here = await actor.released("script/here")
        await applier.of(here.request, "succeeded")
        partition = int(here.request.partition("-")[0])
        await forget_records(log.connection, {TopicPartition(LEDGER, partition): 1})
        await differs_in(applier, (partition, "beginning-gone"))
        elsewhere = await actor.released(f"script/{name_beside(partition)}")
        await applier.of(elsewhere.request, "succeeded")


async def test_older_applier_folder_applies_nothing_twice(log: Log, tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    async with handing_over(log, folders) as (actor, applier):
        before = await actor.released("script/text", b'"before"')
        await applier.of(before.request, "succeeded")
    shutil.copytree(folders.state, tmp_path / "older")
    async with handing_over(log, folders) as (actor, applier):
        after = await actor.released("script/text", b'"after"')
        await applier.of(after.request, "succeeded")
    shutil.rmtree(folders.state)
    shutil.move(tmp_path / "older", folders.state)
    async with handing_over(log, folders) as (actor, applier):
        assert (await applier.of(after.request)).result == "not-open"
        later = await actor.released("script/text", b'"later"')
        await applier.of(later.request, "succeeded")
    async with following(log) as follower:
        for request in (before, after, later):
            events = await events_of(log, follower, request.request)
            assert events.count("change-claimed") == 1
            assert events[-1] == "request-completed"
    assert (folders.target / "script" / "text").read_text() == "later"


async def test_older_applier_folder_and_target_report_what_the_target_lost(log: Log, tmp_path: Path) -> None:
    """Regression: the later changes were missing from the target, and nothing reported it."""
    folders = Folders.of(tmp_path)
    async with handing_over(log, folders) as (actor, applier):
        for name in ("text", "kept"):
            before = await actor.released(f"script/{name}", b'"before"')
            await applier.of(before.request, "succeeded")
    shutil.copytree(tmp_path / "applier", tmp_path / "older")
    async with handing_over(log, folders) as (actor, applier):
        for content in ("first", "second"):
            lost = await actor.released("script/text", f'"{content}"'.encode())
            await applier.of(lost.request, "succeeded")
    async with handing_over(log, folders) as (actor, applier):
        assert "not-held" not in applier.results()
    shutil.rmtree(tmp_path / "applier")
    shutil.move(tmp_path / "older", tmp_path / "applier")
    async with handing_over(log, folders) as (actor, applier):
        handled = await applier.of(lost.request, "not-held")
        assert handled.resource == "script/text"
        assert applier.results().count("not-held") == 1, "the last one of each object"
    # A restarted applier does not report it again: it was reported once.
    async with handing_over(log, folders) as (actor, applier):
        again = await actor.released("script/text", b'"second"')
        await applier.of(again.request, "succeeded")
        assert "not-held" not in applier.results()


def name_beside(partition: int) -> str:
    """The name of a script in another partition."""
    names = (f"beside-{number}" for number in itertools.count())
    return next(each for each in names if partition_for(f"script/{each}".encode(), PARTITIONS) != partition)
