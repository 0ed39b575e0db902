"""Copy `assent.heads` to Postgres, so that heads are known even without Kafka."""

import asyncio
import time
from typing import Final

import asyncpg
import structlog

from assent.process_settings import ServiceSettings, need
from assent.store.pool import open_pool
from assent.store.reader_service import UNREACHABLE, followed_governance
from assent.store.stored_heads import drop_false_heads, keep_heads
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads_topic import HeadsStream, following_heads, sift_beside
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.heads import KeptHead

_RETRY_S: Final = 2.0
_CLEANED_EVERY_S: Final = 3_600.0
_WAITING_MAX: Final = 1_000
"""Heads of writers that governance may list soon."""


async def keep_known_heads(settings: ServiceSettings) -> None:
    """Copy heads until cancelled. Raises SettingsError, NotFoundedError, NotFollowingError."""
    dsn = need(settings.postgres, "ASSENT_POSTGRES")
    pool = await open_pool(dsn, "assent_status", application="assent-heads", size=1)
    try:
        while True:
            try:
                await _keep(settings, pool)
            except UNREACHABLE as error:
                structlog.get_logger().warning("heads are not kept in Postgres now", error=repr(error))
                await asyncio.sleep(_RETRY_S)
    finally:
        pool.terminate()


async def _keep(settings: ServiceSettings, pool: asyncpg.Pool) -> None:
    follower = await followed_governance(settings)
    try:
        async with following_heads(settings.kafka) as stream:
            await _keep_from(stream, follower, pool)
    finally:
        await follower.stop()


async def _keep_from(stream: HeadsStream, follower: GovernanceFollower, pool: asyncpg.Pool) -> None:
    waiting: list[KeptHead] = []
    governance, cleaned_at = follower.writers.head, -_CLEANED_EVERY_S
    while True:
        follower.check()
        if time.monotonic() - cleaned_at >= _CLEANED_EVERY_S:
            await _drop_false(follower, pool)
            cleaned_at = time.monotonic()
        fresh = await stream.poll()
        if not fresh and governance == follower.writers.head:
            continue
        governance = follower.writers.head
        writers = follower.writers.public_keys()
        known = [each for each in (*waiting, *fresh) if each.writer in writers]
        # A head is not trusted before governance lists its writer. Those of unknown writers are dropped in
        # time.
        waiting = [each for each in (*waiting, *fresh) if each.writer not in writers][-_WAITING_MAX:]
        newest = NewestHeads()
        await sift_beside(newest, follower.identity, known, writers)
        if good := newest.heads():
            await keep_heads(pool, good)


async def _drop_false(follower: GovernanceFollower, pool: asyncpg.Pool) -> None:
    found = await drop_false_heads(pool, follower.identity, follower.writers.public_keys())
    if found:
        structlog.get_logger().warning(
            "heads in Postgres that no writer has signed: someone else may write there", found=found
        )
