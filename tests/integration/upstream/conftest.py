"""A decided log with an account for gates, a database for each test, and the service in this process."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from assent.infra_files import infra_path
from assent.observe.health import Health
from assent.store.reader_service import KAFKA, POSTGRES
from assent.upstream.configuration import read_upstream_file
from assent.upstream.service import SENDING, Pace, run
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.commands import SubmitChange
from assent_contracts.events import ChangeSubmitted
from assent_contracts.ledger import RecordedCommand, decode_events, decode_recorded_command
from tests.support.containers import Endpoints
from tests.support.log import Log, fresh_log, read_ledger
from tests.support.readers import settings_for
from tests.support.stack import migrated_database, until

GATE = "gate"
"""The account of the sources and gates."""
PACE = Pace(poll_s=0.05, waiters_s=0.1, tidy_s=0.5, again_s=2, first_retry_s=0.1)
_GOVERNANCE = """
[[principals]]
id = "gate"
kind = "service"
name = "Sources and gates of the tests"

[[principals]]
id = "gate-keeper"
kind = "service"
name = "Claims for gates"

[[roles]]
role = "requester"
principals = ["gate"]

[[roles]]
role = "applier"
principals = ["gate", "gate-keeper"]
"""
_POLICY = """
[[policies]]
id = "{type}"
name = "{type}"
resource_type = "{type}"
approver_groups = ["endpoint-admins"]
quorum = 1
completion = "{completion}"
"""
_numbers = itertools.count()


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The demo's log with the account `gate` and the types of gates."""
    text = infra_path("demo/governance.toml").read_text() + _GOVERNANCE
    for kind, completion in (
        ("deployment", "requester"),
        ("merge", "automatic"),
        ("terraform-run", "requester"),
    ):
        text += _POLICY.format(type=kind, completion=completion)
    folder = tmp_path_factory.mktemp("keys")
    path = folder / "governance.toml"
    path.write_text(text)
    return await fresh_log(running.bootstrap, folder, governance=path)


@pytest.fixture
async def dsn(running: Endpoints) -> str:
    """A migrated database of the test's own."""
    return await migrated_database(running.dsn, f"upstream_{next(_numbers)}")


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to it."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


class Service:
    """The service in this process, or where it is reached."""

    def __init__(self, health: Health, task: asyncio.Task[None]) -> None:
        self.health = health
        self.task = task
        self.port = 0

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(f"http://127.0.0.1:{self.port}{path}", content=body, headers=headers)

    async def kill(self) -> None:
        """End it at once, wherever it is."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


Upstream = Callable[..., AbstractAsyncContextManager[Service]]


def toml_text(content: dict[str, Any]) -> str:
    """TOML with inline tables. A text in JSON is a text in TOML too."""

    def value(each: object) -> str:
        match each:
            case dict():
                return (
                    "{" + ", ".join(f"{json.dumps(name)} = {value(one)}" for name, one in each.items()) + "}"
                )
            case list():
                return "[" + ", ".join(value(one) for one in each) + "]"
            case _:
                return json.dumps(each)

    return "".join(f"{name} = {value(each)}\n" for name, each in content.items())


def upstream_toml(tmp_path: Path, *sources: dict[str, Any], **more: Any) -> Path:
    """An upstream file with these sources."""
    path = tmp_path / "upstream.toml"
    content = {"http": {"port": 0}, "console": "https://assent.example.com", **more, "sources": list(sources)}
    path.write_text(toml_text(content))
    return path


def secret_file(tmp_path: Path, text: str, name: str = "secret") -> str:
    """A file with a secret; returns its name."""
    (tmp_path / name).write_text(text + "\n")
    return name


@pytest.fixture
def upstream(log: Log, dsn: str, tmp_path: Path) -> Upstream:
    """Starts the service with these sources, in a consumer group of the test's own."""
    group = f"upstream-{next(_numbers)}"

    @asynccontextmanager
    async def start(*sources: dict[str, Any], pace: Pace = PACE, **more: Any) -> AsyncIterator[Service]:
        file = read_upstream_file(upstream_toml(tmp_path, *sources, **more))
        health, stop = Health(KAFKA, POSTGRES, SENDING), asyncio.Event()
        settings = msgspec.structs.replace(settings_for(log, dsn), key_file=log.folder / f"{GATE}.key")
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            run(settings, file, pace, health, stop, group=group, on_listening=listening.set_result)
        )
        service = Service(health, task)
        try:
            await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
            service.port = listening.result()
            yield service
        finally:
            stop.set()
            if not task.cancelled():
                await task

    return start


async def statuses(db: asyncpg.Connection, source: str | None = None) -> list[str]:
    """The statuses of all events, oldest first."""
    rows = await db.fetch(
        "select status from upstream_events where $1::text is null or source = $1 order by id", source
    )
    return [row["status"] for row in rows]


async def settled(db: asyncpg.Connection, count: int) -> list[str]:
    """Wait until this many events are there and none is on its way; returns their statuses."""

    async def there() -> bool:
        found = await statuses(db)
        return len(found) >= count and not {"waiting", "sent"} & set(found)

    await until(there)
    return await statuses(db)


async def submissions(log: Log, follower: GovernanceFollower, principal: str = GATE) -> list[SubmitChange]:
    """What this account has submitted, as the ledger has it: only what opened a request."""
    found: list[SubmitChange] = []
    for records in (await read_ledger(log, follower)).values():
        for accepted in records:
            match decode_recorded_command(accepted.record):
                case RecordedCommand(value=value) if any(
                    isinstance(each, ChangeSubmitted) for each in decode_events(accepted.record)
                ):
                    command = msgspec.json.decode(value, type=SubmitChange)
                    if command.principal == principal:
                        found.append(command)
                case _:
                    pass
    return found
