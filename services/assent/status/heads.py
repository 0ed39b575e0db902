"""Keep in Postgres what `assent.heads` says: so it is known where Kafka is not."""

import asyncio
from typing import Final

import asyncpg
import structlog

from assent.settings import ServiceSettings, need
from assent.store.heads import keep_heads
from assent.store.pool import open_pool
from assent.store.service import UNREACHABLE, following
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads import HeadsStream, following_heads, sift_beside
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.heads import KeptHead

_RETRY_S: Final = 2.0
_WAITING_MAX: Final = 1_000
"""Heads of writers that governance may list soon."""


async def keep_known_heads(settings: ServiceSettings) -> None:
    """Until cancelled. Raises SettingsError, NotFoundedError, NotFollowingError."""
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
    follower = await following(settings)
    try:
        async with following_heads(settings.kafka) as stream:
            await _keep_from(stream, follower, pool)
    finally:
        await follower.stop()


async def _keep_from(stream: HeadsStream, follower: GovernanceFollower, pool: asyncpg.Pool) -> None:
    waiting: list[KeptHead] = []
    governance = follower.writers.head
    while True:
        follower.check()
        fresh = await stream.poll()
        if not fresh and governance == follower.writers.head:
            continue
        governance = follower.writers.head
        writers = follower.writers.public_keys()
        known = [each for each in (*waiting, *fresh) if each.writer in writers]
        # Never trusted before governance lists its writer; what comes of a stranger is dropped in time.
        waiting = [each for each in (*waiting, *fresh) if each.writer not in writers][-_WAITING_MAX:]
        newest = NewestHeads()
        await sift_beside(newest, follower.identity, known, writers)
        if good := newest.heads():
            await keep_heads(pool, good)
