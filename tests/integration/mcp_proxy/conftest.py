"""A log with an account for MCP proxies, and the proxy as the process that an agent starts."""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult

from assent.infra_files import infra_path
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.events import ChangeSubmitted, OfNoRequest, RequestEvent
from assent_contracts.ledger import decode_events
from tests.support.containers import Endpoints
from tests.support.handover import dispatching
from tests.support.log import Actor, Log, deciding, fresh_log, publishing, read_ledger
from tests.support.mcp_agent import Waits, text_of
from tests.support.services import ROOT
from tests.support.stack import until

PROXY = "mcp-proxy"
"""The account of the proxy. It works for `bob`, on whose behalf it submits."""
TYPE = "tool-call"
_numbers = itertools.count()
_GOVERNANCE = """
[[principals]]
id = "mcp-proxy"
kind = "service"

[[roles]]
role = "requester"
principals = ["mcp-proxy"]

[[roles]]
role = "applier"
resource_types = ["tool-call"]
principals = ["mcp-proxy"]

[[policies]]
id = "tool-calls"
name = "Tool calls of agents"
resource_type = "tool-call"
approver_groups = ["endpoint-admins"]
quorum = 1
on_behalf_of = "required"
"""


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The demo's log with the account of the proxy."""
    folder = tmp_path_factory.mktemp("keys")
    path = folder / "governance.toml"
    path.write_text(infra_path("demo/governance.toml").read_text() + _GOVERNANCE)
    return await fresh_log(running.bootstrap, folder, governance=path)


@pytest_asyncio.fixture(scope="module")
async def actor(log: Log, follower: GovernanceFollower) -> AsyncIterator[Actor]:
    """Acts as any principal; a real decider and a real dispatch answer."""
    async with deciding(log, follower), dispatching(log, follower), publishing(log, follower) as somebody:
        yield somebody


class Tools:
    """The server behind the proxy, and the ledger, from outside."""

    def __init__(self, folder: Path, log: Log, follower: GovernanceFollower) -> None:
        self.folder = folder
        self._log = log
        self._follower = follower

    def called(self) -> list[Any]:
        """[tool, arguments] of each call that the server got."""
        path = self.folder / "called"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def define(self, **descriptions: str) -> None:
        (self.folder / "defined").write_text(json.dumps(descriptions))

    def rename(self, **names: str) -> None:
        (self.folder / "renamed").write_text(json.dumps(names))

    async def events(self, request: str | None = None) -> list[RequestEvent]:
        """Everything that happened to requests, or to one."""
        records = (await read_ledger(self._log, self._follower)).values()
        found = [event for run in records for each in run for event in decode_events(each.record)]
        of_requests = [each for each in found if not isinstance(each, OfNoRequest)]
        return [each for each in of_requests if request in (None, each.request)]

    async def newest(self, tool: str) -> ChangeSubmitted:
        """The newest request for a call of a tool: the ledger has it once the agent has its answer."""
        found = [
            each
            for each in await self.events()
            if isinstance(each, ChangeSubmitted) and each.resource.startswith(f"{TYPE}/{tool}/")
        ]
        # They are in different partitions. All have the same time to their deadline.
        return max(found, key=lambda each: each.deadline)

    async def has_ended(self, request: str) -> bool:
        """Whether a request has an outcome."""
        return (await self.names(request))[-1] in ("RequestCompleted", "RequestFailed", "OutcomeUnknown")

    async def names(self, request: str) -> list[str]:
        """The types of what happened to a request."""
        return [type(each).__name__ for each in await self.events(request)]


@pytest.fixture
def tools(tmp_path: Path, log: Log, follower: GovernanceFollower) -> Tools:
    return Tools(tmp_path, log, follower)


Agent = Callable[..., AbstractAsyncContextManager[Client]]


def mcp_toml(folder: Path, *, agents: str = "", more: str = "") -> Path:
    """The proxy's file. `more`: lines before the first table."""
    path = folder / "mcp.toml"
    command = json.dumps([sys.executable, "-m", "tests.support.mcp_tools", str(folder)])
    agents = agents or '[[agents]]\nname = "copilot"\non_behalf_of = "bob"\n'
    path.write_text(
        f'type = "{TYPE}"\nconsole = "https://assent.example.com"\n{more}\n'
        f"[server]\ncommand = {command}\nfolder = {json.dumps(str(ROOT))}\n"
        f"[server.environment]\nPYTHONPATH = {json.dumps(os.environ.get('PYTHONPATH', ''))}\n{agents}"
    )
    return path


def environment(log: Log, folder: Path) -> dict[str, str]:
    """The proxy's variables."""
    return {
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / f"{PROXY}.key"),
        "ASSENT_STATE": str(folder / "state"),
        "ASSENT_MCP_FILE": str(folder / "mcp.toml"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }


@pytest.fixture
def agent(log: Log, actor: Actor, tmp_path: Path) -> Agent:
    """Starts the proxy over stdio, as an agent's host does, and connects."""

    @asynccontextmanager
    async def start(
        *, waits: Waits | None = None, dies: str = "none", more: str = "", **options: Any
    ) -> AsyncIterator[Client]:
        mcp_toml(tmp_path, more=more)
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "tests.support.killed_mcp_proxy", dies],
            env=environment(log, tmp_path),
            cwd=ROOT,
        )
        extensions = [] if waits is None else [waits]
        async with Client(server, extensions=extensions, cache=None, **options) as client:
            await ready(client)
            yield client

    return start


async def ready(client: Client) -> None:
    """Wait until the server behind the proxy answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                await client.list_tools()
            except MCPError:
                await asyncio.sleep(0.05)
            else:
                return


async def asked(client: Client, tool: str = "deploy", arguments: dict[str, Any] | None = None) -> str:
    """Call a tool as an old client does, once Assent can be reached; returns the text of the error."""
    async with asyncio.timeout(30):
        while True:
            result = await client.call_tool(tool, arguments or {})
            if "cannot be reached now" not in text_of(result):
                assert result.is_error
                return text_of(result)
            await asyncio.sleep(0.05)


async def task_of(waits: Waits) -> str:
    async def there() -> bool:
        return waits.task is not None

    await until(there)
    assert waits.task is not None
    return waits.task.task_id


async def calling(
    client: Client, waits: Waits, tool: str = "deploy", arguments: dict[str, Any] | None = None
) -> asyncio.Task[CallToolResult]:
    """A call that waits as a task. By default its arguments are those of no other call."""
    arguments = {"number": next(_numbers)} if arguments is None else arguments
    waits.task = None
    while True:
        call = asyncio.create_task(client.call_tool(tool, arguments))
        while not call.done() and waits.task is None:
            await asyncio.sleep(0.02)
        if not call.done():
            return call
        assert "cannot be reached now" in text_of(call.result())
        await asyncio.sleep(0.05)
