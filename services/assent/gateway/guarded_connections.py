"""HTTP connections that cannot block a gateway: uvicorn's protocol, with limits that it lacks.

uvicorn waits forever for a request that does not end, and accepts headers of any size.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from assent.gateway.client_limits import SlowLimits
from assent.gateway.problems import MEDIA_TYPE, Problem, malformed_problem

HEADERS_MAX_BYTES: Final = 32 * 1024
"""For a request's line and headers. Somewhat more is accepted when they arrive all at once."""
_SLICE_BYTES: Final = 16 * 1024

RawHeaders = Sequence[tuple[bytes, bytes]]


class GuardedProtocol(HttpToolsProtocol):
    """One connection. A subclass, because uvicorn makes its connections from a class that it is given."""

    def __init__(
        self,
        most: int,
        limits: SlowLimits,
        headers: RawHeaders,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`most`: connections; `headers`: for every answer, including those without an application."""
        super().__init__(config, server_state, app_state, _loop)
        self._most = most
        self._limits = limits
        self._always = headers
        self._in_headers = True
        self._header_bytes = 0
        self._arriving: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Refuse the connection if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            detail = "This gateway has as many connections as it can serve."
            todo = "Try again after Retry-After seconds, or ask another gateway."
            self._refuse(
                Problem(503, "too-many-connections", detail, todo=todo, headers={"Retry-After": "5"})
            )
            return
        self._await_request(self._limits.headers_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._arrived()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read in slices, so that an excess is noticed early."""
        for start in range(0, len(data), _SLICE_BYTES):
            if self.transport.is_closing():
                return
            part = data[start : start + _SLICE_BYTES]
            if self._in_headers:
                self._header_bytes += len(part)
            super().data_received(part)
            if self._in_headers and self._header_bytes > HEADERS_MAX_BYTES:
                detail = f"The headers are more than {HEADERS_MAX_BYTES:,} bytes."
                self._refuse(Problem(431, "headers-too-large", detail, todo="Send fewer or shorter ones."))
        if self._arriving is None and (self.cycle is None or self.cycle.response_complete):
            # Bytes between two requests stop uvicorn's own timer, and must not keep the connection open.
            self._await_request(self._limits.headers_s)

    def on_message_begin(self) -> None:
        """Note the first byte of a request."""
        super().on_message_begin()
        self._in_headers = True
        self._header_bytes = 0
        self._await_request(self._limits.headers_s)

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        self._in_headers = False
        self._await_request(self._limits.body_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the whole request has arrived."""
        self._arrived()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start a timer: the client does not read what it is sent."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self._limits.not_taken_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer: the client reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(malformed_problem("This is not an HTTP request."))

    def _await_request(self, within_s: float) -> None:
        self._arrived()
        self._arriving = self.loop.call_later(within_s, self._too_slow)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _too_slow(self) -> None:
        self._arriving = None
        if self._in_headers and (self.cycle is None or self.cycle.response_complete):
            detail = f"The request did not arrive within {self._limits.headers_s:g} s."
            self._refuse(Problem(408, "too-slow", detail, todo="Send it again."))
        # Data that has not been sent by now will not be sent any more.
        self.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        body = msgspec.json.encode(problem.document())
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
            *self._always,
        ]
        phrase = HTTPStatus(problem.status).phrase.encode()
        lines = [b"HTTP/1.1 %d %b" % (problem.status, phrase), *(b"%b: %b" % each for each in headers)]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()


def guarded(most: int, limits: SlowLimits, headers: RawHeaders) -> Callable[..., GuardedProtocol]:
    """The class for uvicorn's connections."""
    return partial(GuardedProtocol, most, limits, headers)
