"""A reader of the ledger as a process: the common part of status and audit."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
import stamina
import structlog
from aiokafka.errors import KafkaError

from assent.observe.health import Health
from assent.process_settings import ServiceSettings, need
from assent.store.ledger_stream import STOP_LIMIT_S, LedgerStream
from assent.store.log_watch import LogWatch
from assent.store.pool import DatabaseRole, NotConnectedError, open_pool
from assent.store.positions import Reader, claim_database
from assent.store.postgres_reasons import reason
from assent.store.projector import Projector, Write
from assent_contracts.client.follower import GovernanceFollower, NotWholeError
from assent_contracts.client.task_end import end

KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"
_POOL_SIZE: Final = 4
PROBE_EVERY_S: Final = 2.0
_PROBE_TIMEOUT_S: Final = 5.0
_RETRY_MAX_S: Final = 5.0
_END_AGAIN_S: Final = 2 * STOP_LIMIT_S
"""Longer than the current batch may take to end, so that it is not interrupted."""
UNREACHABLE: Final = (
    OSError,
    TimeoutError,
    KafkaError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A connection that breaks at the wrong moment raises this.
    asyncpg.InternalClientError,
)

_T = TypeVar("_T")


class ReaderSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of one reader of the ledger."""

    reader: Reader
    role: DatabaseRole
    topics: tuple[str, ...]
    write: Write

    @property
    def group(self) -> str:
        """The consumer group whose members share the partitions."""
        return f"assent-{self.reader}"


async def serve_reader(
    spec: ReaderSpec,
    settings: ServiceSettings,
    health: Health,
    stop: asyncio.Event,
    *,
    group: str | None = None,
) -> None:
    """Project the ledger into Postgres until `stop`. `group`: a consumer group other than the usual one.

    Kafka and Postgres may be unavailable at times, also at the start. Raises SettingsError, AnotherLogError,
    NotFoundedError and NotFollowingError, after which the process should end and be restarted.
    """
    dsn = need(settings.postgres, "ASSENT_POSTGRES")
    working = asyncio.create_task(_work(spec, settings, dsn, health, stop, group or spec.group))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        await end(working, stopping, again_s=_END_AGAIN_S)


async def _work(
    spec: ReaderSpec, settings: ServiceSettings, dsn: str, health: Health, stop: asyncio.Event, group: str
) -> None:
    async with AsyncExitStack() as open_things:
        pool = await open_pool(dsn, spec.role, application=f"assent-{spec.reader}", size=_POOL_SIZE)
        open_things.callback(pool.terminate)
        await reached(health, POSTGRES, lambda: _claim(pool, settings.identity))
        watch = LogWatch(spec.reader, pool, settings.kafka, settings.identity, health)
        open_things.push_async_callback(watch.stop)
        await _governance_is_there(watch, health, stop)
        follower = await reached(health, KAFKA, lambda: followed_governance(settings))
        open_things.push_async_callback(follower.stop)
        await _governance_is_there(watch, health, stop, follower)
        projector = Projector(spec.reader, pool, follower, spec.write, health, watch)
        stream = await reached(health, KAFKA, lambda: _streaming(spec, settings, group, projector, watch))
        open_things.push_async_callback(stream.stop)
        # Checked each time, because a library may lose the cancellation.
        while not stop.is_set():
            follower.check()
            await probe(health, POSTGRES, pool.fetchval("select 1"))
            await probe(health, KAFKA, follower.catch_up())
            await _look(watch, stream, follower)
            projector.lag.tell(watch.ends)
            await asyncio.sleep(PROBE_EVERY_S)


async def _governance_is_there(
    watch: LogWatch, health: Health, stop: asyncio.Event, follower: GovernanceFollower | None = None
) -> None:
    """Return once the governance ledger matches what Postgres knows of it: the rest is judged by it."""
    await reached(health, KAFKA, lambda: watch.look(follower))
    while watch.governance_differs and not stop.is_set():
        await asyncio.sleep(PROBE_EVERY_S)
        await reached(health, KAFKA, lambda: watch.look(follower))


async def _look(watch: LogWatch, stream: LedgerStream, follower: GovernanceFollower) -> None:
    try:
        await watch.look(follower)
    except UNREACHABLE as error:
        structlog.get_logger().info("the log could not be looked at", error=repr(error))
        return
    for place in tuple(stream.held):
        if not watch.differs(place):
            stream.go_on(place)


async def reached(health: Health, condition: str, reach: Callable[[], Awaitable[_T]]) -> _T:
    """What `reach` returns, retried while a server is unavailable or the log is not the known one."""
    told = None
    lacked = {condition}
    async for attempt in stamina.retry_context(
        on=(*UNREACHABLE, NotWholeError), attempts=None, timeout=None, wait_max=_RETRY_MAX_S
    ):
        with attempt:
            try:
                reached = await reach()
            except (*UNREACHABLE, NotWholeError) as error:
                found, lacks = reason(error), _lacking(error, condition)
                lacked.add(lacks)
                health.not_ready(lacks, found)
                if found != told:
                    told = found
                    structlog.get_logger().error("not ready", lacks=lacks, why=found.why, todo=found.todo)
                raise
            for each in lacked:
                health.ready(each)
            return reached
    raise AssertionError


def _lacking(error: Exception, condition: str) -> str:
    """Which server has failed; `condition` where the error does not show it."""
    match error:
        case KafkaError():
            return KAFKA
        case NotConnectedError() | asyncpg.PostgresError() | asyncpg.InterfaceError():
            return POSTGRES
        case _:
            return condition


async def _claim(pool: asyncpg.Pool, identity: str) -> None:
    async with pool.acquire() as connection:
        await claim_database(connection, identity)


async def followed_governance(settings: ServiceSettings) -> GovernanceFollower:
    follower = GovernanceFollower(settings.kafka, settings.identity)
    try:
        await follower.start()
    except BaseException:
        await follower.stop()
        raise
    return follower


async def _streaming(
    spec: ReaderSpec, settings: ServiceSettings, group: str, projector: Projector, watch: LogWatch
) -> LedgerStream:
    stream = LedgerStream(
        settings.kafka, group, spec.topics, projector.take, projector.forget, watch.start_at
    )
    try:
        await stream.start()
    except BaseException:
        await stream.stop()
        raise
    return stream


async def probe(health: Health, condition: str, answer: Coroutine[Any, Any, object]) -> None:
    try:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            await answer
    except UNREACHABLE as error:
        health.not_ready(condition, reason(error))
    else:
        health.ready(condition)
