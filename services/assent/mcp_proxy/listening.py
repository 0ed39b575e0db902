"""How agents reach the proxy: its standard input and output, or HTTP with a token for each."""

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import anyio
import structlog
import uvicorn
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from assent.mcp_proxy.configuration import SECRET_MIN_CHARS, Agent, HttpPort, McpFile, read_token
from assent.mcp_proxy.conversation import Context
from assent.process_settings import Faults, SettingsError

MESSAGE_MAX_BYTES: Final = 1024 * 1024
CONNECTIONS_MAX: Final = 100
_DRAIN_S: Final = 2
_AGENT: Final = "assent.agent"
_LOCAL_HOSTS: Final = ("127.0.0.1:*", "localhost:*", "[::1]:*")

log = structlog.get_logger(__name__)


def tokens_of(file: McpFile) -> dict[str, Agent]:
    """The agents by their tokens. Raises SettingsError."""
    found: dict[str, Agent] = {}
    faults = Faults()
    for agent in file.agents:
        if agent.token_file is not None:
            faults.reading(partial(_add_token, agent, agent.token_file, found), None)
    faults.raise_if_any()
    return found


def _add_token(agent: Agent, file: Path, found: dict[str, Agent]) -> None:
    token = read_token(file)
    if len(token) < SECRET_MIN_CHARS:
        raise SettingsError(f"agents: {agent.name}: a token has at least {SECRET_MIN_CHARS} characters.")
    if token in found:
        raise SettingsError(f"agents: {agent.name} and {found[token].name} have the same token.")
    found[token] = agent


def agent_of(ctx: Context) -> Agent:
    """The agent of a request over HTTP, as its token shows."""
    assert ctx.request is not None, "over HTTP each message has its request"
    return ctx.request.scope[_AGENT]


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one agent until it closes its end."""
    kept_in, kept_out = os.dup(0), os.dup(1)
    # Nothing else in this process can reach the agent by accident.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    reader = asyncio.StreamReader(limit=MESSAGE_MAX_BYTES)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(kept_in, "rb", buffering=0)
    )
    try:
        stdin = cast("anyio.AsyncFile[str]", limited_lines(reader))
        stdout = anyio.wrap_file(os.fdopen(kept_out, "w", encoding="utf-8"))
        async with stdio_server(stdin, stdout) as (received, sent):
            await server.run(received, sent, server.create_initialization_options())
    finally:
        pipe.close()


async def limited_lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines. They end at one that is longer than the reader's limit: nothing after it can be trusted."""
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as ended:
            if ended.partial:
                yield ended.partial.decode(errors="replace")
            return
        except asyncio.LimitOverrunError:
            log.warning("message too large", limit_bytes=MESSAGE_MAX_BYTES)
            return
        yield line.decode(errors="replace")


async def serve_http(
    server: Server[Any],
    http: HttpPort,
    tokens: Mapping[str, Agent],
    stop: asyncio.Event,
    on_listening: Callable[[int], None],
) -> None:
    """Serve agents until `stop`. Raises OSError if the port is not available."""
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=[*_LOCAL_HOSTS, *http.names], allowed_origins=[]
    )
    app = server.streamable_http_app(
        # Without sessions, so that no session of one agent can be used with the token of another.
        stateless_http=True,
        json_response=True,
        max_request_body_size=MESSAGE_MAX_BYTES,
        transport_security=security,
    )
    config = uvicorn.Config(
        _Known(app, tokens),
        host=http.host,
        port=http.port,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    listening = _Listening(config, on_listening)
    # Not `serve`: that installs signal handlers, and run_service has its own.
    answering = asyncio.create_task(listening._serve(), name="http")  # noqa: SLF001
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.should_exit = True
        stopping.cancel()
        await answering


class _Listening(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_listening: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening(self.servers[0].sockets[0].getsockname()[1])


class _Known:
    """Refuses requests without the token of an agent."""

    def __init__(self, app: ASGIApp, tokens: Mapping[str, Agent]) -> None:
        self._app = app
        self._tokens = [(token.encode(), agent) for token, agent in tokens.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            agent = self._agent(scope)
            if agent is None:
                answer = PlainTextResponse(
                    "Send the agent's token as a bearer token.\n", 401, {"www-authenticate": "Bearer"}
                )
                await answer(scope, receive, send)
                return
            scope[_AGENT] = agent
        await self._app(scope, receive, send)

    def _agent(self, scope: Scope) -> Agent | None:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(sent) != 1 or sent[0][:7].lower() != b"bearer ":
            return None
        token = sent[0][7:].strip()
        # Each is compared, so that the time does not depend on which one it is.
        found = [agent for known, agent in self._tokens if hmac.compare_digest(known, token)]
        return found[0] if found else None
