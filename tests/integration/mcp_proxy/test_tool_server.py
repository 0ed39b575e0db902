"""What a server that answers oddly is taken to have done: never more than it has stated."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from assent.mcp_proxy.configuration import ServerBehind
from assent.mcp_proxy.tool_server import LostAnswerError, ServerUnreachableError, ToolServer
from tests.support.stack import until

SERVER: Final = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    final = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    if asked["method"] == "server/discover":
        answers = [{"result": {**final, "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}}]
    elif asked["method"] == "tools/call":
        answers = json.loads(sys.argv[1])
    elif asked["method"] == "tools/list":
        answers = [{"result": {**final, "tools": []}}]
    else:
        answers = [{"error": {"code": -32601, "message": "unknown"}}]
    for answer in answers:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


@asynccontextmanager
async def answering(*answers: dict[str, Any]) -> AsyncIterator[ToolServer]:
    """A server that answers each call so."""
    server = ToolServer(ServerBehind(command=[sys.executable, "-c", SERVER, json.dumps(answers)]))
    stop = asyncio.Event()
    running = asyncio.create_task(server.run(stop))
    try:

        async def is_there() -> bool:
            try:
                await server.tools()
            except ServerUnreachableError:
                return False
            return True

        await until(is_there)
        yield server
    finally:
        stop.set()
        await running


def text(said: str) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": said}], "resultType": "complete"}}


@pytest.mark.parametrize(
    "result",
    [
        {"content": [], "resultType": "input_required"},
        {"content": [], "resultType": "task", "task": {"taskId": "1", "status": "working"}},
        {"content": [], "resultType": 7},
        {"content": [], "structuredContent": [1]},
        {"content": [{"type": "another"}]},
        {"content": 5},
        {},
    ],
)
async def test_answer_that_is_no_final_result_leaves_open_what_was_done(result: dict[str, Any]) -> None:
    async with answering({"result": result}) as server:
        with pytest.raises(LostAnswerError):
            await server.call("deploy", {}, 20)


async def test_error_that_is_no_refusal_leaves_open_what_was_done() -> None:
    async with answering({"error": {"code": -32603, "message": "It broke."}}) as server:
        with pytest.raises(LostAnswerError):
            await server.call("deploy", {}, 20)


async def test_of_two_answers_the_first_counts_and_the_second_is_no_other_call_s() -> None:
    async with answering(text("first"), text("second")) as server:
        for _ in range(3):
            answer = await server.call("deploy", {}, 20)
            assert [each["text"] for each in answer["content"]] == ["first"]
