"""`assent doctor` on a real stack: tables that are missing or behind, and records that do not count."""

from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from assent.cli.diagnosis import examination
from assent.cli.diagnosis.check import Check
from assent.cli.diagnosis.examination import examine
from assent.cli.options import Options
from assent.store.migrate import migrate
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.support.containers import Endpoints
from tests.support.log import Log, deciding, fresh_log, publishing
from tests.support.raw_records import RawRecord, build_batch, produce_raw
from tests.support.readers import SPECS, reading
from tests.support.stack import fresh_database, until

TABLES = "Postgres has the tables of this version"


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A log of this module's own: what is written to its topics stays."""
    return await fresh_log(running.bootstrap, tmp_path_factory.mktemp("log"))


@pytest.fixture
async def dsn(running: Endpoints) -> str:
    return await fresh_database(running.dsn, "doctor")


@pytest.fixture
def options(log: Log, dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Options:
    """As of an operator of a cluster."""
    for name, value in (("KAFKA", log.connection.bootstrap), ("IDENTITY", log.identity), ("POSTGRES", dsn)):
        monkeypatch.setenv(f"ASSENT_{name}", value)
    return Options(data=tmp_path)


async def found(options: Options, begins: str) -> Check:
    [check] = [each for each in await examine(options) if each.what.startswith(begins)]
    return check


async def test_tables_that_are_missing_or_behind_are_named_with_the_command(
    options: Options, dsn: str
) -> None:
    missing = await found(options, TABLES)
    assert (missing.ok, "assent tables apply" in missing.remedy) == (False, True)
    assert "0001-positions" in missing.why
    names = await migrate(dsn)
    assert (await found(options, "Postgres")).ok
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("delete from _pogo_migration where migration_id = $1", names[-1])
    finally:
        await connection.close()
    assert (await found(options, TABLES)).why == f"These migrations were not applied: {names[-1]}."


async def test_record_that_does_not_count_is_a_fault_of_governance_for_a_day(
    options: Options, log: Log, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(dsn)
    assert (await found(options, "governance at seq")).ok
    await junk(log, GOVERNANCE)
    new = await found(options, "governance at seq")
    assert (new.ok, new.what.endswith("1 record quarantined")) == (False, True)
    monkeypatch.setattr(examination, "RECENT_MS", -60_000)  # as if it were older than a day
    old = await found(options, "governance at seq")
    assert (old.ok, old.what) == (True, new.what)


async def test_records_of_the_request_ledger_that_do_not_count_are_mentioned(
    options: Options, log: Log, dsn: str
) -> None:
    await migrate(dsn)
    follower = GovernanceFollower(log.connection, log.identity)
    await follower.start()
    try:
        async with deciding(log, follower), reading(SPECS["audit"], log, dsn, "doctor"):
            async with publishing(log, follower) as actor:
                first = await actor.opened("script/first.sh")
                partition = int(first.request.split("-")[0])
                await junk(log, LEDGER, partition)
                await actor.cancel(first)

            async def mentioned() -> bool:
                check = await found(options, LEDGER)
                return check.ok and check.what.endswith(f"1 record quarantined (in partition {partition}: 1)")

            await until(mentioned)
    finally:
        await follower.stop()


async def junk(log: Log, topic: str, partition: int = 0) -> None:
    await produce_raw(log.connection, topic, partition, build_batch([RawRecord(b"junk")]))
