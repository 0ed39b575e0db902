"""HTTP byte by byte, for clients that no library would imitate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    """By lower-case name; of a repeated one, both values joined by a comma."""
    body: bytes

    @property
    def problem(self) -> dict[str, object]:
        """The body, which must be a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        return msgspec.json.decode(self.body)


class RawConnection:
    """One connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, within_s: float = 15.0) -> Answer:
        """The next answer."""
        async with asyncio.timeout(within_s):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers: dict[str, str] = {}
            for line in head[1:-2]:
                name, _, value = line.partition(": ")
                before = headers.get(name.lower())
                headers[name.lower()] = value if before is None else f"{before}, {value}"
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(status=int(head[0].split(" ")[1]), headers=headers, body=body)

    async def closed(self, *, within_s: float = 15.0) -> None:
        """Wait for the gateway to close it."""
        async with asyncio.timeout(within_s):
            try:
                while await self.reader.read(65_536):
                    continue
            except ConnectionError:
                return


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RawConnection]:
    """A connection to the host and port of an address."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def request(url: str, start: str = "GET / HTTP/1.1", *headers: str, host: str | None = None) -> bytes:
    """A request's line and headers with a Host."""
    named = urlsplit(url).netloc if host is None else host
    return "\r\n".join([start, f"Host: {named}", *headers, "", ""]).encode("latin-1")
