"""Receives what a target reports later. Each claim of a change has its own address for each step."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import msgspec

from assent.applier.targets.exact_json import decode_exactly
from assent.applier.targets.http.table import CallbackReceiver
from assent.applier.targets.secrets import SecretError, read_secret
from assent.receiving.http_server import HttpAnswer, HttpRequest, Route, http_server
from assent_contracts.client.handler import RetryableError

BODY_MAX_BYTES: Final = 64 * 1024
_WAITING_MAX: Final = 16
"""How many callbacks of one step may wait to be looked at."""
_CONTEXT: Final = "assent.callback.v1"


class Expected:
    """The callbacks of one step."""

    def __init__(self, url: str) -> None:
        self.url: Final = url
        """Where the target reports."""
        self._received: asyncio.Queue[Any] = asyncio.Queue(_WAITING_MAX)

    async def next(self) -> Any:
        """The JSON value of the next callback."""
        return await self._received.get()

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """Answer the target."""
        try:
            value = decode_exactly(request.body)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return HttpAnswer(400, "Send JSON.")
        try:
            self._received.put_nowait(value)
        except asyncio.QueueFull:
            return HttpAnswer(429, "Too many callbacks wait.")
        return HttpAnswer(202, "It was received.")


class Callbacks:
    """The receiver. It listens from the first change that needs it on."""

    def __init__(self, settings: CallbackReceiver) -> None:
        self._settings = settings
        self._routes: dict[str, Route] = {}
        self._open = AsyncExitStack()
        self._starting = asyncio.Lock()
        self.port: int | None = None
        """Where it listens, once it does."""

    @asynccontextmanager
    async def expected(self, key: str, claim: int, step: str) -> AsyncIterator[Expected]:
        """The callbacks of a step of a claimed change, from before its request is sent.

        `key`: the change's idempotency key. Raises RetryableError if nothing can be received.
        """
        await self._listen()
        path = f"/callbacks/{self._token(key, claim, step)}"
        expected = Expected(self._settings.url.rstrip("/") + path)
        self._routes[path] = Route(expected.receive, BODY_MAX_BYTES, _too_large)
        try:
            yield expected
        finally:
            del self._routes[path]

    async def close(self) -> None:
        """Stop listening."""
        await self._open.aclose()

    async def _listen(self) -> None:
        async with self._starting:
            if self.port is None:
                settings = self._settings
                listening = http_server(settings.host, settings.port, self._routes)
                try:
                    self.port = await self._open.enter_async_context(listening)
                except OSError as error:
                    msg = f"Nothing was changed: callbacks cannot be received on port {settings.port}."
                    raise RetryableError(msg) from error

    def _token(self, key: str, claim: int, step: str) -> str:
        """The same on every try of a claim, because a target may refuse another body under a known key."""
        try:
            secret = read_secret(self._settings.secret)
        except SecretError as error:
            msg = f"Nothing was changed: {error}"
            raise RetryableError(msg) from error
        named = "\0".join((_CONTEXT, key, str(claim), step))
        return hmac.new(secret.encode(), named.encode(), hashlib.sha256).hexdigest()


async def _too_large(limit: int) -> HttpAnswer:
    return HttpAnswer(413, f"A callback has at most {limit:,} bytes.")
