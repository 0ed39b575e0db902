"""The MCP server behind the proxy: one connection, made again when it ends."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

import mcp_types as types
import structlog
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from pydantic import ValidationError

from assent.mcp_proxy.configuration import ServerBehind, read_token
from assent.mcp_proxy.tool_definitions import TOOLS_MAX, OfferedTools, offered
from assent.process_settings import SettingsError
from assent_contracts.client.task_end import pause

CONNECT_S: Final = 30.0
LIST_S: Final = 30.0
RESULT_MAX_BYTES: Final = 1024 * 1024
_PAGES_MAX: Final = 50
_RETRY_S: Final = 0.5
_RETRY_MAX_S: Final = 30.0
_NOT_CALLED: Final = (types.INVALID_PARAMS, types.METHOD_NOT_FOUND)
"""Errors with which a server states that it did not begin."""

log = structlog.get_logger(__name__)


_COMPLETE: Final = "complete"


class ServerUnreachableError(Exception):
    """There is no connection, so nothing was sent."""


class NotCalledError(Exception):
    """The server refused the call before it began. The message is the server's code."""


class LostAnswerError(Exception):
    """The call was sent, and what became of it is not known."""


class ToolServer:
    """The server that has the tools."""

    def __init__(self, behind: ServerBehind) -> None:
        self._behind = behind
        self._client: Client | None = None
        self._broken = asyncio.Event()
        self._told: tuple[str, ...] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep a connection until `stop`."""
        pause_s = _RETRY_S
        while not stop.is_set():
            self._broken.clear()
            try:
                async with AsyncExitStack() as opened:
                    async with asyncio.timeout(CONNECT_S):
                        client = await opened.enter_async_context(await self._new_client(opened))
                    self._client = client
                    log.info("server connected", protocol=client.protocol_version)
                    pause_s = _RETRY_S
                    await _first(stop, self._broken)
            except (
                Exception,
                asyncio.CancelledError,
            ) as error:  # a broken transport cancels whoever entered it
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                    raise
                # Not its text, which may hold an address with a token.
                log.warning("server not connected", why=type(error).__name__, again_in_s=pause_s)
            finally:
                self._client = None
            await pause(stop, pause_s)
            pause_s = min(2 * pause_s, _RETRY_MAX_S)

    async def _new_client(self, opened: AsyncExitStack) -> Client:
        behind = self._behind
        if behind.command is not None:
            program, *arguments = behind.command
            server: Any = StdioServerParameters(
                command=program, args=arguments, env=behind.environment, cwd=behind.folder
            )
        else:
            headers = {}
            if behind.token_file is not None:
                headers["authorization"] = f"Bearer {read_token(behind.token_file)}"
            http = await opened.enter_async_context(create_mcp_http_client(headers))
            server = streamable_http_client(behind.url or "", http_client=http)
        # Without callbacks, so what the server asks of its client (sampling, elicitation) is refused.
        return Client(server, cache=None)

    async def tools(self) -> OfferedTools:
        """The tools that it lists now. Raises ServerUnreachableError."""
        client = self._connected()
        listed: list[dict[str, Any]] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(LIST_S):
                for _ in range(_PAGES_MAX):
                    page = await client.list_tools(cursor=cursor)
                    listed += [_json(each) for each in page.tools]
                    cursor = page.next_cursor
                    if cursor is None or len(listed) > 2 * TOOLS_MAX:
                        break
        except (MCPError, ValidationError, TimeoutError, RuntimeError, OSError) as error:
            self._is_broken(error)
            raise ServerUnreachableError(
                f"The server does not list its tools: {type(error).__name__}."
            ) from error
        found = offered(listed)
        if found.left_out and found.left_out != self._told:
            log.warning("tools left out", tools=found.left_out[:20])
        self._told = found.left_out
        return found

    async def call(self, tool: str, arguments: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Call a tool once and return the result, JSON.

        Raises ServerUnreachableError, NotCalledError, LostAnswerError.
        """
        client = self._connected()
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=tool, arguments=arguments))
        try:
            async with asyncio.timeout(limit_s):
                # Not `call_tool`: that raises for a result that does not fit the schema, after the call.
                result = await client.session.send_request(request, types.CallToolResult)
        except MCPError as error:
            if error.error.code in _NOT_CALLED:
                raise NotCalledError(f"The server refused the call: error {error.error.code}.") from error
            self._is_broken(error)
            raise LostAnswerError(f"The server answered with error {error.error.code}.") from error
        except (ValidationError, TimeoutError, RuntimeError, OSError) as error:
            self._is_broken(error)
            why = (
                "did not answer in time"
                if isinstance(error, TimeoutError)
                else "gave no answer that can be read"
            )
            raise LostAnswerError(f"The server {why}.") from error
        answer = _json(result)
        if answer.get("resultType", _COMPLETE) != _COMPLETE:
            # It has a task, or asks for input. Neither is offered to it, and what it has done is not known.
            raise LostAnswerError("The server gave no final answer.")
        return answer

    def _connected(self) -> Client:
        if self._client is None:
            raise ServerUnreachableError("The MCP server behind the proxy cannot be reached.")
        return self._client

    def _is_broken(self, error: Exception) -> None:
        if not isinstance(error, MCPError) or error.error.code == types.CONNECTION_CLOSED:
            self._broken.set()


def _json(model: Any) -> dict[str, Any]:
    return model.model_dump(by_alias=True, exclude_none=True, mode="json")


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def check_server(behind: ServerBehind) -> None:
    """Raises SettingsError for a token file that cannot be read."""
    if behind.token_file is not None:
        if behind.url is None:
            raise SettingsError("server.token_file: it is for a server with a url.")
        read_token(behind.token_file)
