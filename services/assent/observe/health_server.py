"""Health and readiness over HTTP, with the metrics: /livez, /readyz, /metrics.

A client that can reach the port can connect and send nothing, or send slowly, as often as it likes. So each
connection has limited time and size, and when there are too many, the oldest is closed.
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
    """Serves this process's health from its own thread and loop, so that a stalled main loop shows."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """`port` 0 takes any free one. Raises OSError when the port is not available."""
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
        """The port on which it listens."""
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
        # Open connections end with the loop.
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs this as a task"
        if len(self._open) >= CONNECTIONS_MAX:
            # The first of a dict is the oldest: the one that has waited longest for its answer.
            next(iter(self._open)).cancel()
        self._open[task] = None
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # TimeoutError is an OSError. A client that did not ask in time gets no answer.
        finally:
            self._open.pop(task, None)
            # Not `close`: that waits for a client that does not read what it is sent.
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
        # Wait until the client has closed: an abort before that could discard the answer.
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
