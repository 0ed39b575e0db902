"""What is open, counted in the tables at intervals for Prometheus."""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from assent.observe import metrics
from assent.process_settings import ServiceSettings, need
from assent.store.named_sql import load_sql
from assent.store.pool import open_pool
from assent.store.reader_service import UNREACHABLE
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.client.publisher import now_ms

_SQL: Final = load_sql(Path(__file__).with_name("open_figures.sql"))
EVERY_S: Final = 30.0
_AGES: Final = {"0": "open", "3600": "older_1h", "86400": "older_1d", "604800": "older_7d"}


async def keep_counting(settings: ServiceSettings) -> None:
    """Count until cancelled. Raises SettingsError."""
    dsn = need(settings.postgres, "ASSENT_POSTGRES")
    pool = await open_pool(dsn, "assent_status", application="assent-figures", size=1)
    try:
        while True:
            try:
                await count(pool)
            except UNREACHABLE as error:
                structlog.get_logger().warning("what is open could not be counted", error=repr(error))
            await asyncio.sleep(EVERY_S)
    finally:
        pool.terminate()


async def count(pool: asyncpg.Pool) -> None:
    """Set the gauges. Raises asyncpg's errors."""
    row = await pool.fetchrow(_SQL["requests"], now_ms(), sorted(BUILT_IN_TYPES))
    assert row is not None, "an aggregate has one row"
    for age, column in _AGES.items():
        metrics.OPEN_REQUESTS_OLDER.labels(age).set(row[column])
    metrics.UNSETTLED.set(row["unsettled"])
    metrics.UNCLAIMED_SECONDS.set(max(0, row["unclaimed_ms"]) / 1_000)
    metrics.OPEN_FINDINGS.set(await pool.fetchval(_SQL["findings"]))
