"""A tool call waits for people, and what they approved is executed once and nothing else."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from assent.mcp_proxy.tool_definitions import definition_digest
from assent_contracts.refusals import RefusalCode
from tests.integration.mcp_proxy.conftest import (
    PROXY,
    Agent,
    Tools,
    asked,
    calling,
    environment,
    mcp_toml,
    task_of,
)
from tests.support.log import Actor, Log
from tests.support.mcp_agent import Waits, text_of
from tests.support.stack import until

ARGUMENTS: dict[str, Any] = {"service": "pay", "version": "2", "size": 1.50, "to": ["eu", None]}


async def test_R1_parked_call_is_executed_once_it_is_approved_and_once_only(
    agent: Agent, tools: Tools, actor: Actor
) -> None:
    waits = Waits()
    async with agent(waits=waits) as client:
        call = await calling(client, waits, arguments=ARGUMENTS)
        request = await tools.newest("deploy")
        assert (request.person, request.operation) == ("bob.ortega", "call")
        state = await waits.state(client, await task_of(waits))
        assert state.status == "working"
        assert state.status_message == (
            f"Waiting for approval: https://assent.example.com/requests/{request.request}"
        )
        assert tools.called() == []
        assert (await actor.approve(request, "carol")).refusal is None
        result = await call
        assert (text_of(result), result.is_error) == ("deploy is done", False)
        assert tools.called() == [["deploy", ARGUMENTS]]
        # Its result can still be fetched; the same call again is another question.
        again = await waits.state(client, await task_of(waits))
        assert again.status == "completed"
        second = await calling(client, waits, arguments=ARGUMENTS)
        assert (await tools.newest("deploy")).request != request.request
        second.cancel()
    assert tools.called() == [["deploy", ARGUMENTS]]
    assert (await tools.names(request.request))[-3:] == [
        "ChangeReleased",
        "ChangeClaimed",
        "RequestCompleted",
    ]


async def test_R9_neither_the_agents_account_nor_the_person_behind_it_can_approve(
    agent: Agent, tools: Tools, actor: Actor
) -> None:
    async with agent() as client:
        text = await asked(client, "deploy", {"mine": 1})
        request = await tools.newest("deploy")
        assert text.endswith(f" https://assent.example.com/requests/{request.request}")
        for principal, code in ((PROXY, RefusalCode.NOT_AN_APPROVER), ("bob", RefusalCode.OWN_REQUEST)):
            refusal = (await actor.approve(request, principal)).refusal
            assert refusal is not None
            assert refusal.code is code
        # A call that waits is not asked twice.
        assert await asked(client, "deploy", {"mine": 1}) == text
        assert (await actor.reject(request, "carol", note="Not today.")).refusal is None
        told = f"Rejected by carol (Not today.): https://assent.example.com/requests/{request.request}"

        async def rejected() -> bool:
            return await asked(client, "deploy", {"mine": 1}) == told

        await until(rejected)
        # Nor is what was rejected.
        assert await rejected()
        assert await tools.newest("deploy") == request
    assert tools.called() == []


async def test_old_client_gets_the_result_of_the_approved_call_by_the_same_call(
    agent: Agent, tools: Tools, actor: Actor
) -> None:
    async with agent(mode="legacy", waits=Waits()) as client:
        text = await asked(client, "deploy", {"old": 1, "and": "so"})
        assert text.startswith("The tool was not called yet. Once people have approved it,")
        request = await tools.newest("deploy")
        assert (await actor.approve(request, "carol")).refusal is None

        async def done() -> bool:
            result = await client.call_tool("deploy", {"and": "so", "old": 1})
            return not result.is_error and text_of(result) == "deploy is done"

        await until(done)
        assert tools.called() == [["deploy", {"old": 1, "and": "so"}]]
        # The approval was for one execution.
        assert (await asked(client, "deploy", {"old": 1, "and": "so"})) != text
        assert (await tools.newest("deploy")).request != request.request
    assert len(tools.called()) == 1


async def test_other_arguments_after_the_approval_are_another_request(
    agent: Agent, tools: Tools, actor: Actor
) -> None:
    async with agent() as client:
        await asked(client, "deploy", {"target": "test"})
        request = await tools.newest("deploy")
        assert (await actor.approve(request, "carol")).refusal is None
        await asked(client, "deploy", {"target": "production"})
        other = await tools.newest("deploy")
        assert other.request != request.request
        await until(lambda: tools.has_ended(request.request))
        assert tools.called() == [["deploy", {"target": "test"}]]


async def test_tool_that_fails_is_a_failure_that_people_see(agent: Agent, tools: Tools, actor: Actor) -> None:
    waits = Waits()
    async with agent(waits=waits) as client:
        call = await calling(client, waits, "fail")
        request = await tools.newest("fail")
        assert (await actor.approve(request, "carol")).refusal is None
        result = await call
        assert (text_of(result), result.is_error) == ("fail is done", True)
    assert (await tools.names(request.request))[-1] == "RequestFailed"


async def test_task_can_be_canceled_until_it_is_approved(agent: Agent, tools: Tools, actor: Actor) -> None:
    waits = Waits()
    async with agent(waits=waits) as client:
        call = await calling(client, waits)
        request = await tools.newest("deploy")
        await waits.cancel(client, await task_of(waits))
        assert text_of(await call).startswith("Canceled: ")
    assert (await tools.names(request.request))[-1] == "RequestCanceled"
    assert tools.called() == []


async def test_unknown_task_and_unknown_tool_are_errors(agent: Agent, tools: Tools) -> None:
    waits = Waits()
    async with agent(waits=waits) as client:
        with pytest.raises(MCPError, match="no such task"):
            await waits.state(client, "guessed")
        with pytest.raises(MCPError, match="no tool of this name"):
            await client.call_tool("drop_everything", {})
    async with agent() as client:
        with pytest.raises(MCPError) as refused:
            await waits.state(client, "guessed")
        assert refused.value.error.code == -32021


async def test_huge_and_deep_arguments_are_refused_and_nothing_is_submitted(
    agent: Agent, tools: Tools
) -> None:
    deep: object = "x"
    for _ in range(70):
        deep = [deep]
    async with agent() as client:
        assert (await asked(client, "deploy", {"text": "x" * 300_000})).startswith("Refused (too-large): ")
        assert (await asked(client, "deploy", {"deep": deep})).startswith("Refused (too-large): ")
        assert (await asked(client, "deploy", {"ok": 1})).startswith("The tool was not called yet.")
    assert tools.called() == []


async def test_message_that_is_too_large_ends_the_connection(agent: Agent, tools: Tools) -> None:
    async with agent() as client:
        with pytest.raises(MCPError, match="closed"):
            await client.call_tool("deploy", {"text": "x" * 2_000_000})
    assert tools.called() == []


async def test_result_that_is_too_large_is_not_kept_and_the_call_is_made_once(
    agent: Agent, tools: Tools, actor: Actor
) -> None:
    waits = Waits()
    async with agent(waits=waits) as client:
        call = await calling(client, waits, "huge")
        assert (await actor.approve(await tools.newest("huge"), "carol")).refusal is None
        result = await call
        assert text_of(result) == (
            "The tool was called. Its result is larger than 1,048,576 bytes and was not kept."
        )
        assert not result.is_error
    assert len(tools.called()) == 1


async def test_approved_call_of_a_tool_that_was_redefined_since_is_not_made(
    agent: Agent, tools: Tools, actor: Actor
) -> None:
    waits = Waits()
    async with agent(waits=waits) as client:
        call = await calling(client, waits)
        request = await tools.newest("deploy")
        tools.define(deploy="It deletes everything.")
        assert (await actor.approve(request, "carol")).refusal is None
        assert "Nothing was called: the server defines the tool deploy differently" in text_of(await call)
    assert (await tools.names(request.request))[-1] == "RequestFailed"
    assert tools.called() == []


async def test_passing_tool_needs_no_approval_until_it_is_redefined_or_another_gets_its_name(
    agent: Agent, tools: Tools
) -> None:
    async with agent() as client:
        (listed,) = [each for each in (await client.list_tools()).tools if each.name == "read"]
    digest = definition_digest(listed.model_dump(by_alias=True, exclude_none=True, mode="json"))
    async with agent(more=f'passes = {{ read = "{digest}" }}') as client:
        assert text_of(await client.call_tool("read", {"a": 1})) == "read is done"
        assert (await asked(client, "deploy", {"b": 1})).startswith("The tool was not called yet.")
        tools.rename(deploy="read", read="old-read")
        assert (await asked(client, "read", {"c": 1})).startswith("The tool was not called yet.")
        tools.rename(deploy="read")
        with pytest.raises(MCPError, match="no tool of this name"):
            await client.call_tool("read", {"d": 1})
    assert tools.called() == [["read", {"a": 1}]]


async def test_two_proxies_cannot_use_one_state_folder(agent: Agent, log: Log, tmp_path: Path) -> None:
    async with agent():
        second = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "assent.mcp_proxy"],
            env={**os.environ, **environment(log, tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    assert "is in use by another proxy" in second.stderr


async def test_R20_proxy_with_the_key_of_a_person_does_not_start(
    agent: Agent, log: Log, tmp_path: Path
) -> None:
    mcp_toml(tmp_path)
    environ = {**os.environ, **environment(log, tmp_path), "ASSENT_KEY_FILE": str(log.folder / "alice.key")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assent.mcp_proxy", env=environ,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        # Its standard input stays open, so it ends by itself.
        assert process.stderr is not None
        errors = (await process.stderr.read()).decode()
        assert await process.wait() == 2
    assert "The account alice is not a service" in errors
    assert "Traceback" not in errors
