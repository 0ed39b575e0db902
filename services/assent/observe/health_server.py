"""Health and readiness over HTTP, with the metrics: /livez, /readyz, /metrics.

Whoever can reach the port can connect and say nothing, or speak slowly, as often as they like: each
connection has a time and a size, and when there are too many the oldest one is closed for the new one.
"""

import asyncio
import socket
import threading
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from assent.observe.health import STALLED_AFTER_S, Health

ANSWERED_WITHIN_S: Final = 5.0
"""From the connection to the last byte of its answer."""
CONNECTIONS_MAX: Final = 64
_HEAD_MAX_BYTES: Final = 8 * 1024
_JSON: Final = "application/json"
_START_LIMIT_S: Final = 5.0
_STOP_LIMIT_S: Final = 5.0

_Answer = tuple[HTTPStatus, str, bytes]


class HealthServer:
    """Serves the health of this process from a thread and a loop of its own, so that a stalled loop shows."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """`port` 0 takes any. Raises OSError when it cannot be had."""
        self._health = health
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=CONNECTIONS_MAX)
        self._open: dict[asyncio.Task[None], None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        """Start answering."""
        self._thread.start()
        self._started.wait(_START_LIMIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_STOP_LIMIT_S)

    def _serve(self) -> None:
        asyncio.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._connected, sock=self._socket, limit=_HEAD_MAX_BYTES)
        self._started.set()
        await self._stop.wait()
        # What is still open ends with the loop.
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs this as a task"
        if len(self._open) >= CONNECTIONS_MAX:
            # The first of a dict is the oldest: one that has not answered for longest.
            next(iter(self._open)).cancel()
        self._open[task] = None
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # TimeoutError is an OSError. Nobody is owed an answer who did not ask for one in time.
        finally:
            self._open.pop(task, None)
            # Not `close`: it waits for a client that does not take what it is sent.
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        status, media_type, body = self._answer(method, rest.partition(b" ")[0].partition(b"?")[0])
        writer.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {media_type}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        )
        if method != b"HEAD":
            writer.write(body)
        await writer.drain()
        writer.write_eof()
        # Until the client has closed: to abort before could take the answer away from it.
        while await reader.read(_HEAD_MAX_BYTES):
            pass

    def _answer(self, method: bytes, path: bytes) -> _Answer:
        if method not in (b"GET", b"HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, _JSON, b"{}"
        match path:
            case b"/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest()
            case b"/livez":
                stalled = self._health.stalled_s()
                return _said(ok=stalled < STALLED_AFTER_S, body={"stalled_s": round(stalled, 1)})
            case b"/readyz":
                missing = self._health.missing()
                return _said(ok=not missing, body={"missing": missing, "noted": self._health.noted()})
            case _:
                return HTTPStatus.NOT_FOUND, _JSON, b"{}"


def _said(*, ok: bool, body: object) -> _Answer:
    return HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE, _JSON, msgspec.json.encode(body)
