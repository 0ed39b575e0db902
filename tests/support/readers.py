"""The readers of the ledger, status and audit, run in this process or in one of their own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from assent.audit.service import AUDIT
from assent.observe.health import Health
from assent.process_settings import ServiceSettings
from assent.status.service import STATUS
from assent.store.reader_service import ReaderSpec, serve_reader
from assent_contracts.acceptance import Head
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.support.log import Log
from tests.support.stack import until

SPECS: dict[str, ReaderSpec] = {"audit": AUDIT, "status": STATUS}

Heads = dict[tuple[str, int], Head]
"""(ledger, partition) -> the accepted head."""


class Running(msgspec.Struct):
    """A reader in this process."""

    health: Health
    task: asyncio.Task[None]

    async def kill(self) -> None:
        """End it at once, wherever it is."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def settings_for(log: Log, dsn: str) -> ServiceSettings:
    """The settings of a reader of this log that writes into this database."""
    return ServiceSettings(
        kafka=log.connection,
        identity=log.identity,
        postgres=dsn,
        key_file=None,
        http_port=None,
        http_host="127.0.0.1",
        target=None,
        applier_file=None,
        reconcile_file=None,
        state=None,
        clock_file=None,
        log_level="info",
    )


@asynccontextmanager
async def reading(spec: ReaderSpec, log: Log, dsn: str, group: str) -> AsyncIterator[Running]:
    """The reader, in the consumer group `group`; stopped in the way that SIGTERM stops it."""
    health, stop = Health("kafka", "postgres"), asyncio.Event()
    task = asyncio.create_task(serve_reader(spec, settings_for(log, dsn), health, stop, group=group))
    try:
        yield Running(health, task)
    finally:
        stop.set()
        if not task.cancelled():
            await task


async def spawn(name: str, log: Log, dsn: str) -> asyncio.subprocess.Process:
    """`python -m assent.<name>` as a process."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_POSTGRES": dsn,
        "ASSENT_LOG_LEVEL": "info",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"assent.{name}", env=env, stderr=asyncio.subprocess.PIPE
    )


async def positions(connection: asyncpg.Connection, spec: ReaderSpec) -> Heads:
    """How far the reader has read."""
    rows = await connection.fetch(
        "select ledger, partition, seq, value_sha256, governance, next_offset "
        " from positions where reader = $1 and seq >= 0",
        spec.reader,
    )
    return {(row["ledger"], row["partition"]): Head(*list(row)[2:]) for row in rows}


def wanted(spec: ReaderSpec, heads: Heads) -> Heads:
    """Those of `heads` that the reader covers and that have records."""
    return {place: head for place, head in heads.items() if place[0] in spec.topics and head.seq >= 0}


async def caught_up(connection: asyncpg.Connection, spec: ReaderSpec, heads: Heads) -> None:
    """Wait until the reader's positions are exactly these heads."""
    target = wanted(spec, heads)

    async def there() -> bool:
        return await positions(connection, spec) == target

    await until(there)


async def projected(connection: asyncpg.Connection, spec: ReaderSpec) -> int:
    """How many records of the request ledger it has processed, of all partitions."""
    heads = await positions(connection, spec)
    return sum(head.seq + 1 for (ledger, _), head in heads.items() if ledger == LEDGER)


__all__ = [
    "GOVERNANCE",
    "LEDGER",
    "SPECS",
    "Heads",
    "Running",
    "caught_up",
    "positions",
    "projected",
    "reading",
    "settings_for",
    "spawn",
    "wanted",
]
