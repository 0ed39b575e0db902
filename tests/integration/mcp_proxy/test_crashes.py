"""The proxy is killed at each step: a call is made at most once, and the ledger has the truth or unknown."""

import asyncio
from pathlib import Path

import pytest
from mcp import Client, MCPError

from tests.integration.mcp_proxy.conftest import Agent, Tools, asked
from tests.support.log import Actor
from tests.support.mcp_agent import text_of
from tests.support.stack import until


async def until_closed(client: Client) -> None:
    async with asyncio.timeout(60):
        while True:
            await client.list_tools()
            await asyncio.sleep(0.05)


async def approved_and_killed(agent: Agent, tools: Tools, actor: Actor, step: str) -> str:
    """A call that was approved, and during which the proxy died at a step; returns its request."""
    async with agent() as client:
        await asked(client, "deploy", {"dies": step})
        request = await tools.newest("deploy")
    async with agent(dies=step) as client:
        assert (await actor.approve(request, "carol")).refusal is None
        with pytest.raises(MCPError, match="closed"):
            await until_closed(client)
    return request.request


@pytest.mark.parametrize("step", ["result kept", "report made"])
async def test_result_that_was_kept_is_reported_by_the_next_process_and_the_call_is_made_once(
    agent: Agent, tools: Tools, actor: Actor, step: str
) -> None:
    request = await approved_and_killed(agent, tools, actor, step)
    async with agent() as client:

        async def done() -> bool:
            result = await client.call_tool("deploy", {"dies": step})
            return not result.is_error and text_of(result) == "deploy is done"

        await until(done)
    assert tools.called() == [["deploy", {"dies": step}]]
    assert (await tools.names(request))[-1] == "RequestCompleted"


@pytest.mark.parametrize("step", ["about to call", "called"])
async def test_call_that_may_have_been_made_is_unknown_and_is_not_made_again(
    agent: Agent, tools: Tools, actor: Actor, step: str
) -> None:
    request = await approved_and_killed(agent, tools, actor, step)
    made = tools.called()
    assert len(made) == (step == "called")
    async with agent() as client:

        async def unknown() -> bool:
            return (await tools.names(request))[-1] == "OutcomeUnknown"

        await until(unknown)
        text = await asked(client, "deploy", {"dies": step})
        assert text == (
            "The call was approved. Waiting, because it is not known whether the tool was called, and people"
            f" must settle that: https://assent.example.com/requests/{request}"
        )
    assert tools.called() == made


async def test_call_that_was_parked_and_not_submitted_is_submitted_by_the_next_process_once(
    agent: Agent, tools: Tools, actor: Actor, tmp_path: Path
) -> None:
    with pytest.raises((MCPError, BaseExceptionGroup)):
        async with agent(dies="parked") as client:
            await asked(client, "deploy", {"cut": 1})
    async with agent() as client:

        async def waits() -> bool:
            return "/requests/" in await asked(client, "deploy", {"cut": 1})

        await until(waits)
        request = await tools.newest("deploy")
        assert await tools.names(request.request) == ["ChangeSubmitted"]
