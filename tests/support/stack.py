"""The real Kafka and Postgres that integration tests run on.

Embedded by default; `ASSENT_TEST_STACK=containers` uses the images of infra/compose.yaml instead.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from assent.local.stack import Stack
from assent.store.migrate import migrate
from tests.support.containers import Endpoints, chosen_stack, containers

_TEMPLATE: Final = "assent_migrated"
_migrated: Final[set[str]] = set()
"""The servers, with their passwords, that have it."""


@asynccontextmanager
async def endpoints(data: Path) -> AsyncIterator[Endpoints]:
    """A running Kafka and Postgres, from the chosen source."""
    if chosen_stack() == "containers":
        async with containers() as running:
            yield running
    else:
        async with Stack(data) as stack:
            yield Endpoints(stack.bootstrap, stack.dsn)


async def fresh_database(dsn: str, name: str) -> str:
    """A new empty database next to the one of `dsn`; returns its DSN."""
    return await _made_from("template1", dsn, name)


async def migrated_database(dsn: str, name: str) -> str:
    """A new migrated database next to the one of `dsn`; returns its DSN.

    It is a copy of one that was migrated once for this server.
    """
    server = urlunsplit(urlsplit(dsn)._replace(path="/postgres"))
    if server not in _migrated:
        await migrate(await fresh_database(dsn, _TEMPLATE))
        _migrated.add(server)
    return await _made_from(_TEMPLATE, dsn, name)


async def _made_from(template: str, dsn: str, name: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}" template "{template}"')
    finally:
        await connection.close()
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def until(holds: Callable[[], Awaitable[bool]], *, timeout_s: float = 30.0) -> None:
    """Wait until the async function `holds` returns True; fails after `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        while not await holds():
            await asyncio.sleep(0.02)
