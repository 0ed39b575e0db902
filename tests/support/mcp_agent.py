"""An agent's MCP client that waits for tasks, as the Tasks extension describes it."""

import asyncio
from typing import Any, Literal

import mcp_types as types
from mcp import Client
from mcp.client import ClaimContext, ClientExtension, ResultClaim

TASKS = "io.modelcontextprotocol/tasks"
_POLL_S = 0.05


class TaskParams(types.RequestParams):
    task_id: str


class TaskAnswer(types.Result):
    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    status_message: str = ""


class TaskState(types.Result):
    task_id: str
    status: str
    status_message: str = ""
    result: dict[str, Any] | None = None


class GetTask(types.Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class CancelTask(types.Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams
    name_param = "taskId"


class Waits(ClientExtension):
    """Declares the extension. `call_tool` returns once the task has ended."""

    identifier = TASKS

    def __init__(self) -> None:
        self.task: TaskAnswer | None = None
        """The newest."""

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskAnswer, resolve=self._resolve)]

    async def _resolve(self, task: TaskAnswer, context: ClaimContext) -> types.CallToolResult:
        self.task = task
        while (state := await self._state(context.session, task.task_id)).status == "working":
            await asyncio.sleep(_POLL_S)
        return types.CallToolResult.model_validate(state.result)

    async def _state(self, session: Any, task: str) -> TaskState:
        return await session.send_request(GetTask(params=TaskParams(task_id=task)), TaskState)

    async def state(self, client: Client, task: str) -> TaskState:
        """What tasks/get answers now."""
        return await self._state(client.session, task)

    async def cancel(self, client: Client, task: str) -> None:
        """tasks/cancel."""
        await client.session.send_request(CancelTask(params=TaskParams(task_id=task)), types.EmptyResult)


def text_of(result: types.CallToolResult) -> str:
    """The text of a result."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text
