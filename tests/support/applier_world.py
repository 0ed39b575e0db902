"""Four upstreams, three kinds of targets and ten appliers as processes, and an independent recount of all."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from assent.infra_files import infra_path
from assent.local.stack import Stack
from assent_contracts.acceptance import Accepted
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import signed_headers
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.client.publisher import Decided, NotDecidedError, Publisher, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Command, SubmitChange
from assent_contracts.events import ChangeSubmitted
from tests.support.git_host import GitHost, git
from tests.support.log import PARTITIONS, Log, following, fresh_log
from tests.support.services import Running, Services
from tests.support.stack import migrated_database

UPSTREAMS: Final = ("upstream-1", "upstream-2", "upstream-3", "upstream-4")
APPLIERS: Final = {"row": 5, "document": 3, "page": 2}
"""How many processes apply each type: rows in Postgres, files in a folder, commits on a branch."""
_AT_ONCE: Final = 8
_UNAPPROVED: Final = 50
"""One change of so many is never approved."""
_PAGES: Final = 25
"""One change of so many is a commit, because a commit takes longest."""
_TIMEOUT_S: Final = 30.0

_GOVERNANCE: Final = """
[[policies]]
id = "{type}s"
name = "{type}s"
resource_type = "{type}"
approver_groups = ["endpoint-admins"]
quorum = 1
completion = "automatic"
"""
_SERVICE: Final = '\n[[principals]]\nid = "{id}"\nkind = "service"\n'
_APPLIER_FILES: Final = {
    "row": """
kind = "sql"
[sql]
dsn = "env:TARGET_DSN"
[[sql.statements]]
statement = "insert into effects (resource, content) values ($1, $2)"
parameters = ["resource", "payload"]
""",
    "document": 'kind = "files"\n[files]\nfolder = "{folder}/documents"\n',
    "page": 'kind = "git"\n[git]\nurl = "{folder}/host.git"\n',
}


def _governance(folder: Path) -> Path:
    text = infra_path("demo/governance.toml").read_text()
    for number in ("commands_per_minute = 60000", "remembered_commands = 2000000"):
        assert number in text
        text = text.replace(number, f"{number.partition(' =')[0]} = 10000000")
    for kind in APPLIERS:
        text += _GOVERNANCE.format(type=kind) + _SERVICE.format(id=f"{kind}-applier")
        text += (
            f'\n[[roles]]\nrole = "applier"\nresource_types = ["{kind}"]\nprincipals = ["{kind}-applier"]\n'
        )
    text += "".join(_SERVICE.format(id=name) for name in UPSTREAMS)
    text += f'\n[[roles]]\nrole = "requester"\nprincipals = {json.dumps(UPSTREAMS)}\n'
    file = folder / "governance.toml"
    file.write_text(text)
    return file


class Counted(msgspec.Struct):
    """What the ledger says of all changes, read as JSON."""

    submitted: dict[str, str] = {}
    """The request of each object."""
    approved: set[str] = msgspec.field(default_factory=set)
    outcomes: dict[str, str] = {}
    """How each request ended, or `unknown`."""
    claims: Counter[str] = msgspec.field(default_factory=Counter)


class ApplierWorld:
    """What runs, and what was sent."""

    def __init__(self, log: Log, follower: GovernanceFollower, services: Services, dsn: str) -> None:
        self.log = log
        self.appliers: list[Running] = []
        self._follower = follower
        self._services = services
        self._dsn = dsn
        self._folder = services.folder
        self.approved: dict[str, bytes] = {}
        """The payload of each object whose change was approved."""
        self.left: set[str] = set()
        """The objects whose change was never approved."""
        self._all_sent = False

    async def start(self) -> None:
        """Start the decider, dispatch, status and all appliers, and make the targets."""
        GitHost(self._folder)
        connection = await asyncpg.connect(self._dsn)
        await connection.execute("create table if not exists effects (resource text, content text)")
        await connection.close()
        self._services.start("decider", ASSENT_KEY_FILE=str(self.log.folder / "writer.key"))
        for name in ("dispatch", "status"):
            self._services.start(name)
        for kind, count in APPLIERS.items():
            file = self._folder / f"{kind}.toml"
            file.write_text(_APPLIER_FILES[kind].format(folder=self._folder))
            for number in range(count):
                self.appliers.append(
                    self._services.start(
                        "applier",
                        f"-{kind}-{number}",
                        ASSENT_KEY_FILE=str(self.log.folder / f"{kind}-applier.key"),
                        ASSENT_STATE=str(self._folder / f"state-{kind}-{number}"),
                        ASSENT_APPLIER_FILE=str(file),
                        TARGET_DSN=self._dsn,
                    )
                )

    async def send(self, changes: int) -> None:
        """Submit this many changes from all upstreams, and approve nearly all of them."""
        each = changes // len(UPSTREAMS)
        async with asyncio.TaskGroup() as upstreams:
            for name in UPSTREAMS:
                upstreams.create_task(self._upstream(name, each))
        self._all_sent = True

    async def _upstream(self, name: str, changes: int) -> None:
        publisher = Publisher(self.log.connection, self._follower, source=name)
        await publisher.start()
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                await self._change(publisher, name, number)

        try:
            await asyncio.gather(*(one(number) for number in range(changes)))
        finally:
            await publisher.stop()

    async def _change(self, publisher: Publisher, upstream: str, number: int) -> None:
        kind = "page" if number % _PAGES == 0 else ("row", "document")[number % 2]
        resource = f"{kind}/{upstream}-{number}"
        payload = encode({"number": number, "of": upstream})
        submitted = await self._send(
            publisher,
            SubmitChange(
                id=new_command_id(),
                principal=upstream,
                at=now_ms(),
                resource=resource,
                operation="create",
                justification="It is needed.",
                payload=msgspec.Raw(payload),
            ),
        )
        event = submitted.events[0]
        assert isinstance(event, ChangeSubmitted), submitted
        if number % _UNAPPROVED == 1:
            self.left.add(resource)
            return
        approve = Approve(
            id=new_command_id(),
            principal="bob",
            at=now_ms(),
            resource=resource,
            request=event.request,
            submission=event.submission,
        )
        await self._send(publisher, approve)
        self.approved[resource] = payload

    async def _send(self, publisher: Publisher, command: Command) -> Decided:
        """Send the same bytes until there is an answer."""
        key, value = self.log.keys[command.principal], encode(command)
        headers = signed_headers(key, self.log.identity, command, value, "load")
        while True:
            try:
                decided = await publisher.send_bytes(
                    value, command.resource.encode(), headers, timeout_s=_TIMEOUT_S
                )
            except (NotDecidedError, KafkaError):
                continue
            assert decided.refusal is None, decided.refusal
            return decided

    async def keep_killing(self, every_s: float, dice: random.Random) -> None:
        """SIGKILL an applier every so often, until cancelled. Its supervisor starts it again."""
        while True:
            await asyncio.sleep(every_s)
            dice.choice(self.appliers).kill()

    async def settled(self, timeout_s: float, tell: Callable[[int], None]) -> Counted:
        """Read the ledger as it grows, until all changes are sent and every approved one has an outcome.

        `tell` gets the number of outcomes every so often.
        """
        reader = LedgerReader(self.log.connection, self._follower, dict.fromkeys(range(PARTITIONS)))
        counted = Counted()
        await reader.start()
        try:
            async with asyncio.timeout(timeout_s):
                while not self._all_sent or len(counted.outcomes) < len(self.approved):
                    self._services.revive()
                    for partition, accepted in (await reader.poll()).items():
                        self._count(counted, partition, accepted)
                    tell(len(counted.outcomes))
        finally:
            await reader.stop()
        return counted

    def _count(self, counted: Counted, partition: int, accepted: Sequence[Accepted]) -> None:
        for each in accepted:
            record = json.loads(each.value)
            for event in record.get("events", ()):
                self._note(counted, f"{partition}-{record['seq']}", event)

    def _note(self, counted: Counted, request: str, event: dict[str, Any]) -> None:
        match event["type"]:
            case "assent.change-submitted.v1":
                counted.submitted[event["resource"]] = request
            case "assent.change-released.v1":
                counted.approved.add(event["request"])
            case "assent.change-claimed.v1":
                counted.claims[event["request"]] += 1
            case "assent.request-completed.v1":
                counted.outcomes[event["request"]] = "completed"
            case "assent.request-failed.v1":
                counted.outcomes[event["request"]] = "failed"
            case "assent.outcome-unknown.v1":
                counted.outcomes[event["request"]] = "unknown"
            case _:
                pass

    async def effects(self) -> Counter[tuple[str, bytes]]:
        """What the targets show: how often each object has which content."""
        connection = await asyncpg.connect(self._dsn)
        rows = await connection.fetch("select resource, content from effects")
        await connection.close()
        found = Counter((row["resource"], row["content"].encode()) for row in rows)
        for path in (self._folder / "documents" / "document").iterdir():
            if not path.name.startswith("."):
                found[f"document/{path.name}", path.read_bytes()] += 1
        bare = self._folder / "host.git"
        made = Counter(git(bare, "log", "--format=%s", "main").splitlines())
        for path in git(bare, "ls-tree", "-r", "--name-only", "main").splitlines():
            if path.startswith("page/"):
                commits = sum(count for subject, count in made.items() if f" {path} " in subject)
                found[path, git(bare, "show", f"main:{path}").encode()] += commits
        return found

    async def statuses(self) -> dict[str, str]:
        """The status of each object's request in the table, once the table is as far as the ledger."""
        connection = await asyncpg.connect(self._dsn)
        try:
            rows = await connection.fetch("select resource, status, progress from requests")
        finally:
            await connection.close()
        return {row["resource"]: row["progress"] or row["status"] for row in rows}


@asynccontextmanager
async def applier_world(stack: Stack, folder: Path) -> AsyncIterator[ApplierWorld]:
    """A new log and database, and everything running, in an existing folder."""
    log = await fresh_log(stack.bootstrap, folder / "keys", governance=_governance(folder))
    dsn = await migrated_database(stack.dsn, "appliers")
    environ = {"ASSENT_KAFKA": stack.bootstrap, "ASSENT_IDENTITY": log.identity, "ASSENT_POSTGRES": dsn}
    async with AsyncExitStack() as open_things:
        follower = await open_things.enter_async_context(following(log))
        services = await open_things.enter_async_context(Services(folder, environ))
        made = ApplierWorld(log, follower, services, dsn)
        await made.start()
        yield made
