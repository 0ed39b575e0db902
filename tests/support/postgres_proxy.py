"""A proxy between a client and Postgres that forwards bytes, as a load balancer does, or like a pooler."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_KEY_DATA: Final = b"K\x00\x00\x00\x0c"
"""The message with a server's process number and a secret, for the cancelling of statements."""


@asynccontextmanager
async def postgres_proxy(dsn: str, *, pools: bool) -> AsyncIterator[str]:
    """Its DSN. `pools`: it sends a process number of its own, as poolers do, and not a process's."""
    parts = urlsplit(dsn)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(parts.hostname, parts.port)
        out = asyncio.create_task(_copy(reader, there_writer, pools=False))
        back = asyncio.create_task(_copy(there_reader, writer, pools=pools))
        tasks.update((out, back))
        await asyncio.wait((out, back))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"
    try:
        yield urlunsplit(parts._replace(netloc=host))
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, pools: bool) -> None:
    try:
        while chunk := await reader.read(65_536):
            if pools and _KEY_DATA in chunk:
                before, _, after = chunk.partition(_KEY_DATA)
                chunk = before + _KEY_DATA + b"\x00\x00\x00\x01" + after[4:]
                pools = False
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
