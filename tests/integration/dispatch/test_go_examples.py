"""The examples of contracts/go as programs of their own, on a real broker: submitting, applying, killed."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import assent_contracts
from assent.local.stack import Stack
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release
from assent_contracts.events import ChangeSubmitted
from assent_contracts.ledger import decode_events
from assent_contracts.released_change import Change, decode_change
from tests.support.containers import chosen_stack
from tests.support.handover import (
    Folders,
    altered,
    applying,
    dispatching,
    events_of,
    forge,
    read_changes,
)
from tests.support.log import (
    APPLIER,
    UPSTREAM,
    Actor,
    Log,
    deciding,
    following,
    fresh_log,
    publishing,
    read_ledger,
)

GO = Path(assent_contracts.__file__).parents[1] / "go"
PAYLOAD = '{"version": 2,  "name":"L\\u00f6hne <&> ✓", "rate": 1e400}'
RELEASED = ["change-submitted", "approval-given", "request-approved", "change-released"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here"),
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, built. Their modules come from Go's cache or its proxy."""
    folder = tmp_path_factory.mktemp("go")
    if subprocess.run(["go", "mod", "download"], cwd=GO, check=False).returncode:
        pytest.skip("The modules of contracts/go are not in Go's cache, and its proxy does not answer.")
    subprocess.run(["go", "build", "-o", f"{folder}/", "./examples/..."], cwd=GO, check=True)
    return folder


class Program:
    """One of the examples at work, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, beginning: str = "") -> str:
        """The next line that begins so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while line := (await self.process.stdout.readline()).decode().rstrip("\n"):
                self.lines.append(line)
                if line.startswith(beginning):
                    return line
        pytest.fail(f"it ended with {await self.process.wait()}, having printed {self.lines}")

    async def ended(self) -> int:
        """How it ended."""
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def running(
    program: Path, log: Log, principal: str, *arguments: str, **environment: str
) -> AsyncIterator[Program]:
    """A program with somebody's key; it is stopped at the end as people stop one."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={
            **os.environ,
            "ASSENT_KAFKA": log.connection.bootstrap,
            "ASSENT_IDENTITY": log.identity,
            "ASSENT_KEY_FILE": str(log.folder / f"{principal}.key"),
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), 20)
            finally:
                if process.returncode is None:
                    process.kill()


def at_work(programs: Path, log: Log, folders: Folders, crash: str = "") -> dict[str, str]:
    folders.target.mkdir(parents=True, exist_ok=True)
    return {"ASSENT_STATE": str(folders.state), "ASSENT_TARGET": str(folders.target), "CRASH": crash}


async def submitted(log: Log, follower: GovernanceFollower, request: str) -> ChangeSubmitted:
    """The event that opened a request."""
    partition, _, seq = request.partition("-")
    [event] = decode_events((await read_ledger(log, follower))[int(partition)][int(seq)].record)
    assert isinstance(event, ChangeSubmitted)
    return event


async def release(log: Log, follower: GovernanceFollower, actor: Actor, request: str) -> ChangeSubmitted:
    event = await submitted(log, follower, request)
    for decided in (await actor.approve(event), await actor.complete(event)):
        assert decided.refusal is None, decided.refusal
    return event


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_killed_between_claim_and_report_it_continues_from_its_journal(
    crash: str, programs: Path, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    """Before or after it has applied the change: it is applied, and reported once."""
    folders = Folders.of(tmp_path)
    resource = f"script/killed-{crash}"
    async with (
        dispatching(log, follower),
        running(programs / "submit", log, UPSTREAM, resource, PAYLOAD) as submit,
    ):
        request = await submit.line()
        event = await release(log, follower, actor, request)
        written = folders.target / event.submission
        environment = at_work(programs, log, folders, crash)
        async with running(programs / "apply", log, APPLIER, **environment) as apply:
            assert await apply.ended() == -signal.SIGKILL
        assert written.exists() == (crash == "after")
        assert await events_of(log, follower, request) == [*RELEASED, "change-claimed"]
        async with running(programs / "apply", log, APPLIER, **at_work(programs, log, folders)) as apply:
            await apply.line(f"succeeded {request}")
        assert await submit.line() == f"completed {APPLIER} "
        assert await submit.ended() == 0
    assert written.read_text() == PAYLOAD
    assert await events_of(log, follower, request) == [*RELEASED, "change-claimed", "request-completed"]
    [folder] = folders.state.iterdir()
    assert not list(folder.glob(f"{request}.*")), "nothing is left in hand"


async def test_the_python_client_continues_from_the_journal_of_a_go_applier(
    programs: Path, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    asked: list[Change] = []

    async def note(release: Release) -> None:
        asked.append(release.change)

    async with dispatching(log, follower):
        request = await actor.released("script/handed-on", PAYLOAD.encode())
        environment = at_work(programs, log, folders, "before")
        async with running(programs / "apply", log, APPLIER, **environment) as apply:
            assert await apply.ended() == -signal.SIGKILL
        async with applying(log, follower, folders, handler=note) as applier:
            await applier.of(request.request, "succeeded")
    assert [bytes(change.payload) for change in asked] == [PAYLOAD.encode()]
    assert await events_of(log, follower, request.request) == [
        *RELEASED,
        "change-claimed",
        "request-completed",
    ]


async def test_what_is_not_what_the_ledger_has_released_is_not_applied(
    programs: Path, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    """One forged record with a huge position hides no real change."""
    folders = Folders.of(tmp_path)
    open_only = await actor.opened("script/not-approved", payload=PAYLOAD.encode())
    async with dispatching(log, follower):
        request = await actor.released("script/forged", PAYLOAD.encode())
        async with asyncio.timeout(30):
            while not (real := [r for r in await read_changes(log.connection) if _of(r.value, request)]):
                await asyncio.sleep(0.2)
        change = _decoded(real[0].value)
        partition = real[0].partition
        for value in (
            altered(change, operation="delete"),
            altered(change, request=open_only.request, submission=open_only.submission),
            b"junk",
        ):
            await forge(log, partition, value, position=999_999_999)
        again = await actor.released("script/after-the-forged", PAYLOAD.encode())
        environment = at_work(programs, log, folders)
        async with running(programs / "apply", log, APPLIER, **environment) as apply:
            seen: set[str] = set()
            while len(seen) < 5:
                result, about, *_ = (await apply.line()).split(" ")
                if about in (request.request, open_only.request, again.request, "") and (
                    result in ("succeeded", "forged", "unreadable")
                ):
                    seen.add(f"{result} {about}")
    assert seen == {
        f"succeeded {request.request}",
        f"succeeded {again.request}",
        f"forged {request.request}",
        f"forged {open_only.request}",
        "unreadable ",
    }
    names = {path.name for path in folders.target.iterdir()}
    assert {request.submission, again.submission} <= names
    assert open_only.submission not in names


@pytest.mark.skipif(chosen_stack() != "embedded", reason="this test kills the broker that it started")
async def test_kafka_killed_and_started_again_the_next_change_is_applied(
    programs: Path, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with Stack(tmp_path / "data") as stack:
        log = await fresh_log(stack.bootstrap, tmp_path / "keys")
        async with (
            following(log) as follower,
            deciding(log, follower),
            publishing(log, follower) as actor,
            dispatching(log, follower),
            running(programs / "apply", log, APPLIER, **at_work(programs, log, folders)) as apply,
        ):
            first = await actor.released("script/before")
            await apply.line(f"succeeded {first.request}")
            await stack.kafka.kill()
            await asyncio.sleep(1)  # Kafka is away for a while: nothing to wait for
            await stack.kafka.start()
            second = await actor.released("script/after")
            await apply.line(f"succeeded {second.request}")
            assert (await events_of(log, follower, second.request))[-1] == "request-completed"


def _decoded(value: bytes | None) -> Change:
    assert value is not None
    return decode_change(value)


def _of(value: bytes | None, request: ChangeSubmitted) -> bool:
    return value is not None and value.startswith(b"{") and _decoded(value).request == request.request
