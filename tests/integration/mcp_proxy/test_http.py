"""Agents over HTTP: each is known by its token, and sees its own calls only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from assent.mcp_proxy.configuration import read_mcp_file
from assent.mcp_proxy.service import KAFKA, run
from assent.observe.health import Health
from tests.integration.mcp_proxy.conftest import PROXY, Tools, asked, calling, mcp_toml, ready, task_of
from tests.support.log import Actor, Log
from tests.support.mcp_agent import Waits, text_of
from tests.support.readers import settings_for

TOKENS = {"copilot": "c" * 40, "builder": "b" * 40}
_AGENTS = """
[http]
port = 0
[[agents]]
name = "copilot"
on_behalf_of = "bob"
token_file = "copilot.token"
[[agents]]
name = "builder"
on_behalf_of = "carol"
token_file = "builder.token"
"""


@pytest.fixture
async def url(log: Log, actor: Actor, tmp_path: Path) -> AsyncIterator[str]:
    """The proxy in this process, over HTTP."""
    for name, token in TOKENS.items():
        (tmp_path / f"{name}.token").write_text(token + "\n")
    file = read_mcp_file(mcp_toml(tmp_path, agents=_AGENTS))
    settings = msgspec.structs.replace(
        settings_for(log, ""), key_file=log.folder / f"{PROXY}.key", state=tmp_path / "state"
    )
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(settings, file, Health(KAFKA), stop, on_listening=listening.set_result))
    await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    yield f"http://127.0.0.1:{listening.result()}/mcp"
    stop.set()
    await task


@asynccontextmanager
async def connected(url: str, name: str, waits: Waits | None = None) -> AsyncIterator[Client]:
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(
            create_mcp_http_client({"authorization": f"Bearer {TOKENS[name]}"})
        )
        transport = streamable_http_client(url, http_client=http)
        client = Client(transport, extensions=[] if waits is None else [waits], cache=None)
        await ready(await opened.enter_async_context(client))
        yield client


async def test_R20_each_agent_works_for_its_own_person_and_has_its_own_tasks(
    url: str, tools: Tools, actor: Actor
) -> None:
    waits, others = Waits(), Waits()
    async with connected(url, "copilot", waits) as copilot, connected(url, "builder", others) as builder:
        call = await calling(copilot, waits, arguments={"web": 1})
        request = await tools.newest("deploy")
        assert request.person == "bob.ortega"
        with pytest.raises(MCPError, match="no such task"):
            await others.state(builder, await task_of(waits))
        # The same call of another agent is another request, for another person.
        await asked_as(builder, others)
        other = await tools.newest("deploy")
        assert (other.person, other.request != request.request) == ("carol.chen", True)
        assert (await actor.approve(request, "carol")).refusal is None
        assert text_of(await call) == "deploy is done"
    assert tools.called() == [["deploy", {"web": 1}]]


async def asked_as(client: Client, waits: Waits) -> None:
    (await calling(client, waits, arguments={"web": 1})).cancel()


async def test_request_without_the_token_of_an_agent_is_refused(url: str, tools: Tools) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for headers in (
            {},
            {"authorization": "Bearer"},
            {"authorization": f"Bearer {'c' * 39}"},
            {"authorization": f"Basic {TOKENS['copilot']}"},
        ):
            answer = await http.post(
                url, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers
            )
            assert answer.status_code == 401
        headers = {"authorization": f"Bearer {TOKENS['copilot']}", "host": "evil.example.com"}
        assert (await http.post(url, json={}, headers=headers)).status_code == 421
        headers = {"authorization": f"Bearer {TOKENS['copilot']}", "content-type": "application/json"}
        huge = b'{"x": "' + b"x" * 2_000_000 + b'"}'
        assert (await http.post(url, content=huge, headers=headers)).status_code == 413


async def test_old_client_over_http_gets_the_link(url: str, tools: Tools, actor: Actor) -> None:
    async with connected(url, "copilot") as client:
        text = await asked(client, "deploy", {"old": "http"})
        request = await tools.newest("deploy")
        assert text.endswith(f"/requests/{request.request}")
