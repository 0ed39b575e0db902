"""The real Kafka and Postgres that integration tests run on.

Embedded by default; `ASSENT_TEST_STACK=containers` takes the images of infra/compose.yaml instead.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from assent.local.stack import Stack
from tests.support.containers import Endpoints, chosen_stack, containers


@asynccontextmanager
async def endpoints(data: Path) -> AsyncIterator[Endpoints]:
    """A running Kafka and Postgres, from whichever source was chosen."""
    if chosen_stack() == "containers":
        async with containers() as running:
            yield running
    else:
        async with Stack(data) as stack:
            yield Endpoints(stack.bootstrap, stack.dsn)


async def fresh_database(dsn: str, name: str) -> str:
    """A new empty database beside the one of `dsn`; returns its DSN."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def until(holds: Callable[[], Awaitable[bool]], *, timeout_s: float = 30.0) -> None:
    """Wait until the async function `holds` answers True; fails after `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        while not await holds():
            await asyncio.sleep(0.02)
