"""A pooler between a service and Postgres is refused, because it would give one service's role to another."""

import asyncpg
import pytest

from assent.store.migrate import migrate
from assent.store.pool import PoolerError, open_pool
from tests.support.log import Log
from tests.support.postgres_proxy import postgres_proxy
from tests.support.readers import SPECS, reading
from tests.support.stack import until


async def test_no_query_goes_through_a_pooler(dsn: str) -> None:
    async with postgres_proxy(dsn, pools=True) as pooled:
        pool = await open_pool(pooled, "assent_reader", application="test", size=1)
        try:
            with pytest.raises(PoolerError):
                await pool.fetchval("select 1")
        finally:
            await pool.close()
        with pytest.raises(PoolerError):
            await migrate(pooled)


async def test_load_balancer_that_only_forwards_bytes_is_not_a_pooler(dsn: str) -> None:
    async with postgres_proxy(dsn, pools=False) as balanced:
        pool = await open_pool(balanced, "assent_reader", application="test", size=2)
        try:
            assert await pool.fetchval("select current_user") == "assent_reader"
        finally:
            await pool.close()


async def test_reader_behind_a_pooler_reports_why_it_does_not_start_and_what_to_do(
    log: Log, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    async with (
        postgres_proxy(dsn, pools=True) as pooled,
        reading(SPECS["status"], log, pooled, group) as running,
    ):

        async def is_said() -> bool:
            missing = running.health.missing().get("postgres")
            return missing is not None and "pooler" in missing.why

        await until(is_said)
        assert "ASSENT_POSTGRES" in running.health.missing()["postgres"].todo
        assert await db.fetchval("select count(*) from positions where seq >= 0") == 0
