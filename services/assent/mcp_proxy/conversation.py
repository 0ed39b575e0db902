"""What the proxy answers to agents: tools/list, tools/call, and the methods of the Tasks extension.

Nothing else is forwarded. There is no tool and no method with which an agent could decide.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import mcp_types as types
import msgspec
from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp.server.mcpserver import require_client_extension
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from assent.mcp_proxy import call_rules
from assent.mcp_proxy.configuration import Agent, McpFile
from assent.mcp_proxy.parked_calls import ParkedCall, ParkedCalls
from assent.mcp_proxy.parking import NotParkedError, Parking
from assent.mcp_proxy.tool_server import LostAnswerError, NotCalledError, ServerUnreachableError, ToolServer

TASKS: Final = "io.modelcontextprotocol/tasks"
POLL_MS: Final = 2_000
_DAY_MS: Final = 24 * 60 * 60 * 1_000
Context = ServerRequestContext[Any, Any]


class TaskParams(types.RequestParams):
    """The parameters of tasks/get and tasks/cancel."""

    task_id: str


class Conversation:
    """The handlers."""

    def __init__(
        self,
        file: McpFile,
        server: ToolServer,
        calls: ParkedCalls,
        parking: Parking,
        agent_of: Callable[[Context], Agent],
    ) -> None:
        """`agent_of`: who asks, which is known before a handler is called."""
        self._file = file
        self._server = server
        self._calls = calls
        self._parking = parking
        self._agent_of = agent_of

    def mcp_server(self) -> Server[Any]:
        """The server that agents see."""
        server: Server[Any] = Server(
            "assent-mcp-proxy",
            instructions="Some tools wait until people have approved the call.",
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )
        server.extensions[TASKS] = {}
        server.add_request_handler("tasks/get", TaskParams, self._get)
        server.add_request_handler("tasks/cancel", TaskParams, self._cancel)
        return server

    async def _list_tools(self, ctx: Context, params: Any) -> types.ListToolsResult:
        try:
            found = await self._server.tools()
        except ServerUnreachableError as error:
            raise MCPError(code=types.INTERNAL_ERROR, message=str(error)) from error
        tools = [types.Tool.model_validate(each) for each in found.by_name.values()]
        return types.ListToolsResult(tools=tools)

    async def _call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> Any:
        agent, arguments = self._agent_of(ctx), params.arguments or {}
        try:
            definition = (await self._server.tools()).digest(params.name)
            if definition is None:
                raise MCPError(code=types.INVALID_PARAMS, message="The server has no tool of this name.")
            if call_rules.passes(params.name, definition, self._file.passes):
                return _shown(await self._server.call(params.name, arguments, self._file.call_s))
            call = await self._parking.park(agent, params.name, definition, arguments)
        except (ServerUnreachableError, NotCalledError) as error:
            return _shown(_error(f"The tool was not called. {error}"))
        except LostAnswerError as error:
            return _shown(_error(f"The tool may have been called. {error}"))
        except NotParkedError as error:
            return _shown(_error(str(error)))
        if call.ended:
            await self._parking.fetched(call)
            return _shown(_result(call))
        if _waits_for_tasks(ctx):
            return {**self._task(call), "resultType": "task"}
        return _shown(_error(call_rules.not_executed(call, self._file.console)))

    async def _get(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        call = self._own(ctx, params)
        await self._parking.fetched(call)
        shown = {**self._task(call), "resultType": "complete"}
        return {**shown, "result": _result(call)} if call.ended else shown

    async def _cancel(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        await self._parking.cancel(self._own(ctx, params))
        return {"resultType": "complete"}

    def _own(self, ctx: Context, params: TaskParams) -> ParkedCall:
        require_client_extension(ctx, TASKS)
        call = self._calls.of_task(params.task_id, self._agent_of(ctx).name)
        if call is None:
            raise MCPError(code=types.INVALID_PARAMS, message="There is no such task.")
        return call

    def _task(self, call: ParkedCall) -> dict[str, Any]:
        shown = {
            "taskId": call.task,
            "status": "completed" if call.ended else "working",
            "createdAt": _time(call.parked_at),
            "lastUpdatedAt": _time(call.changed_at),
            "ttlMs": int(self._file.keep_days * _DAY_MS),
            "pollIntervalMs": POLL_MS,
        }
        if not call.ended:
            shown["statusMessage"] = call_rules.waiting_text(call, self._file.console)
        return shown


def _waits_for_tasks(ctx: Context) -> bool:
    """Whether the client can wait for a task. An older one cannot, even if it declares the extension."""
    capabilities = ctx.session.client_capabilities
    declared = (capabilities.extensions if capabilities else None) or {}
    return TASKS in declared and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _result(call: ParkedCall) -> dict[str, Any]:
    return _error(call.end or "") if call.result is None else msgspec.json.decode(call.result)


def _error(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _shown(result: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult.model_validate(result)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
