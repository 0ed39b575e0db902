"""The tables are those of infra/migrations, whoever applies them and however often."""

import asyncio

import asyncpg
import pytest

from assent.infra_files import infra_path
from assent.store.migrate import migrate
from assent.store.positions import AnotherLogError, claim_database
from tests.support.containers import Endpoints
from tests.support.stack import fresh_database


async def test_each_migration_is_applied_once_when_several_processes_start_at_once(
    running: Endpoints,
) -> None:
    dsn = await fresh_database(running.dsn, "migrated_at_once")
    applied = await asyncio.gather(*(migrate(dsn) for _ in range(4)))
    names = sorted(path.stem for path in infra_path("migrations").glob("*.sql"))
    assert sorted(applied) == [[], [], [], names]


async def test_two_databases_of_one_cluster_share_the_roles(running: Endpoints) -> None:
    dsns = [await fresh_database(running.dsn, f"migrated_{number}") for number in range(3)]
    connection = await asyncpg.connect(running.dsn)
    try:
        for dsn in dsns:
            assert await migrate(dsn) != []
        roles = await connection.fetch(
            "select rolname, rolcanlogin, rolsuper from pg_roles where rolname like 'assent\\_%' order by 1"
        )
    finally:
        await connection.close()
    assert [tuple(role) for role in roles] == [
        ("assent_audit", False, False),
        ("assent_gateway", False, False),
        ("assent_notify", False, False),
        ("assent_reader", False, False),
        ("assent_status", False, False),
        ("assent_upstream", False, False),
    ]


async def test_database_is_for_one_log_only(db: asyncpg.Connection) -> None:
    await claim_database(db, "a" * 64)
    await claim_database(db, "a" * 64)
    with pytest.raises(AnotherLogError, match=f"{'a' * 64}, not of {'b' * 64}"):
        await claim_database(db, "b" * 64)
