"""The examples of a client library in another language, as programs of their own on a real broker.

Each library has the same examples: `submit RESOURCE PAYLOAD` prints the request's id and how it ended,
`submitset NAME OBJECT…` does so for a set, and `apply` prints what became of each change. So what they must
do is written once, here.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord

from assent.local.stack import Stack
from assent_contracts.client.applier_journal import Journal, JournalInUseError
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Complete, ConfirmSet, ReportOutcome, RequestCommand
from assent_contracts.events import ChangeSubmitted
from assent_contracts.ledger import decode_events
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import Change, decode_change
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
from tests.support.stack import until

PAYLOAD = '{"version": 2,  "name":"L\\u00f6hne <&> ✓", "rate": 1e400}'
_ANSWERS_WITHIN_S = 120.0
GATEWAY = "gateway"
SET = "script/of-a-set"
RELEASED = ["change-submitted", "approval-given", "request-approved", "change-released"]


class Examples(msgspec.Struct, frozen=True):
    """The command lines that start a library's examples."""

    submit: tuple[str, ...]
    submit_set: tuple[str, ...]
    apply: tuple[str, ...]


class Program:
    """A running example, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, beginning: str = "") -> str:
        """The next line that begins so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            while line := (await self.process.stdout.readline()).decode().rstrip("\n"):
                self.lines.append(line)
                if line.startswith(beginning):
                    return line
        pytest.fail(f"it ended with {await self.process.wait()}, having printed {self.lines}")

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            return await self.process.wait()


@asynccontextmanager
async def running(
    command: tuple[str, ...], log: Log, principal: str, *arguments: str, **environment: str
) -> AsyncIterator[Program]:
    """A program with a principal's key. It is stopped at the end as a supervisor stops one."""
    process = await asyncio.create_subprocess_exec(
        *command,
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
            # Not SIGINT, which a JVM leaves ignored if whoever started the tests ignores it.
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20)
            finally:
                if process.returncode is None:
                    process.kill()


def _environment(folders: Folders, crash: str = "") -> dict[str, str]:
    folders.target.mkdir(parents=True, exist_ok=True)
    return {"ASSENT_STATE": str(folders.state), "ASSENT_TARGET": str(folders.target), "CRASH": crash}


async def _submitted(log: Log, follower: GovernanceFollower, request: str) -> ChangeSubmitted:
    """The event that opened a request."""
    partition, _, seq = request.partition("-")
    [event] = decode_events((await read_ledger(log, follower))[int(partition)][int(seq)].record)
    assert isinstance(event, ChangeSubmitted)
    return event


async def check_killed_applier_continues(
    crash: str, examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, folders: Folders
) -> None:
    """Killed before or after it has applied the change, it applies it and reports it once."""
    resource = f"script/killed-{crash}"
    async with (
        dispatching(log, follower),
        running(examples.submit, log, UPSTREAM, resource, PAYLOAD) as submit,
    ):
        request = await submit.line()
        event = await _submitted(log, follower, request)
        approved = await actor.approve(event)
        assert approved.refusal is None, approved.refusal
        written = folders.target / event.submission
        async with running(examples.apply, log, APPLIER, **_environment(folders, crash)) as apply:
            assert await apply.ended() == -signal.SIGKILL
        assert written.exists() == (crash == "after")
        assert await events_of(log, follower, request) == [*RELEASED, "change-claimed"]
        async with running(examples.apply, log, APPLIER, **_environment(folders)) as apply:
            await apply.line(f"succeeded {request}")
        assert await submit.line() == f"completed {APPLIER} sha256:{event.digest}", "the upstream completes"
        assert await submit.ended() == 0
    assert written.read_text() == PAYLOAD
    assert await events_of(log, follower, request) == [*RELEASED, "change-claimed", "request-completed"]
    [folder] = folders.state.iterdir()
    assert not list(folder.glob(f"{request}.*")), "nothing is left in hand"


async def check_python_client_continues(
    examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, folders: Folders
) -> None:
    """The Python client continues from the journal of a killed applier, but not while that one still runs."""
    asked: list[Change] = []

    async def note(release: Release) -> None:
        asked.append(release.change)

    async with dispatching(log, follower):
        async with running(examples.apply, log, APPLIER, **_environment(folders)) as apply:
            await _lock_is_held(folders)
            with pytest.raises(JournalInUseError):
                Journal(folders.state, log.identity)
        request = await actor.released("script/handed-on", PAYLOAD.encode())
        async with running(examples.apply, log, APPLIER, **_environment(folders, "before")) as apply:
            assert await apply.ended() == -signal.SIGKILL
        async with applying(log, follower, folders, handler=note) as applier:
            await applier.of(request.request, "succeeded")
    assert [bytes(change.payload) for change in asked] == [PAYLOAD.encode()]
    assert await events_of(log, follower, request.request) == [
        *RELEASED,
        "change-claimed",
        "request-completed",
    ]


async def check_forged_changes_are_left_alone(
    examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, folders: Folders
) -> None:
    """What is not what the ledger has released is not applied. A huge position hides no real change."""
    open_only = await actor.opened("script/not-approved", payload=PAYLOAD.encode())
    async with dispatching(log, follower):
        request = await actor.released("script/forged", PAYLOAD.encode())
        real = await _written_change(log, request)
        change = _decoded(real.value)
        for value in (
            altered(change, operation="delete"),
            altered(change, request=open_only.request, submission=open_only.submission),
            b"junk",
        ):
            await forge(log, real.partition, value, position=999_999_999)
        again = await actor.released("script/after-the-forged", PAYLOAD.encode())
        async with running(examples.apply, log, APPLIER, **_environment(folders)) as apply:
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


async def check_a_member_is_applied_only_with_its_set(
    examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, folders: Folders
) -> None:
    """R29: a stolen key of the coordinator releases a member. It is applied once its set is released."""
    objects = _objects_of_other_partitions(SET, follower.partitions)
    async with (
        dispatching(log, follower),
        running(examples.submit_set, log, UPSTREAM, SET, *objects) as submit,
        running(examples.apply, log, APPLIER, **_environment(folders)) as apply,
    ):
        request, *_ = (await submit.line()).split(" ")
        early, later = [await _member(log, follower, each) for each in objects]
        await _coordinate(actor, Complete, early, submission=early.submission)
        await apply.line(f"no-evidence {early.request}")
        of = await _submitted(log, follower, request)
        await _coordinate(actor, ConfirmSet, of)
        approved = await actor.approve(of)
        assert approved.refusal is None, approved.refusal
        await until(lambda: _has_released(log, follower, request))
        await _coordinate(actor, Complete, later, submission=later.submission)
        await apply.line(f"succeeded {later.request}")
        assert {path.name for path in folders.target.iterdir()} == {later.submission}
        apply.process.terminate()
        await apply.ended()
        async with running(examples.apply, log, APPLIER, **_environment(folders)) as again:
            await again.line(f"succeeded {early.request}")
        await _coordinate(actor, ReportOutcome, of, outcome="succeeded")
        assert await submit.line() == f"completed {GATEWAY} "
        assert await submit.ended() == 0


def _objects_of_other_partitions(name: str, partitions: int) -> list[str]:
    """Two objects, none of them in the partition of the set's name."""
    taken = {partition_for(name.encode(), partitions)}
    objects: list[str] = []
    for number in range(1_000):
        partition = partition_for(f"{name}-{number}".encode(), partitions)
        if partition not in taken:
            taken.add(partition)
            objects.append(f"{name}-{number}")
    return objects[:2]


async def _member(log: Log, follower: GovernanceFollower, resource: str) -> ChangeSubmitted:
    """The event that opened the newest request of an object."""
    partition = partition_for(resource.encode(), follower.partitions)
    events = [
        event
        for each in (await read_ledger(log, follower))[partition]
        for event in decode_events(each.record)
        if isinstance(event, ChangeSubmitted) and event.resource == resource
    ]
    return events[-1]


async def _coordinate(actor: Actor, kind: type[RequestCommand], of: ChangeSubmitted, **fields: Any) -> None:
    """A command with the coordinator's key."""
    about: dict[str, Any] = {
        "id": new_command_id(),
        "principal": GATEWAY,
        "at": now_ms(),
        "resource": of.resource,
        "request": of.request,
    }
    decided = await actor.send(kind(**about, **fields))
    assert decided.refusal is None, decided.refusal


async def _has_released(log: Log, follower: GovernanceFollower, request: str) -> bool:
    return "change-released" in await events_of(log, follower, request)


async def check_kafka_restart_is_survived(examples: Examples, data: Path, folders: Folders) -> None:
    """Kafka is killed and started again, and the next change is applied."""
    async with Stack(data / "stack") as stack:
        log = await fresh_log(stack.bootstrap, data / "keys")
        async with (
            following(log) as follower,
            deciding(log, follower),
            publishing(log, follower) as actor,
            dispatching(log, follower),
            running(examples.apply, log, APPLIER, **_environment(folders)) as apply,
        ):
            first = await actor.released("script/before")
            await apply.line(f"succeeded {first.request}")
            await stack.kafka.kill()
            await stack.kafka.start()
            second = await actor.released("script/after")
            await apply.line(f"succeeded {second.request}")
            assert (await events_of(log, follower, second.request))[-1] == "request-completed"


async def _lock_is_held(folders: Folders) -> None:
    """Return when an applier has opened its journal: it locks the folder before it writes there."""

    async def is_there() -> bool:
        return any(folders.state.glob("*/identity"))

    await until(is_there, timeout_s=_ANSWERS_WITHIN_S)


async def _written_change(log: Log, request: ChangeSubmitted) -> ConsumerRecord:
    """The record of `assent.changes` that releases a request, once it is there."""
    found: list[ConsumerRecord] = []

    async def is_there() -> bool:
        found[:] = [each for each in await read_changes(log.connection) if _is_of(each.value, request)]
        return bool(found)

    await until(is_there)
    return found[0]


def _decoded(value: bytes | None) -> Change:
    assert value is not None
    return decode_change(value)


def _is_of(value: bytes | None, request: ChangeSubmitted) -> bool:
    return value is not None and value.startswith(b"{") and _decoded(value).request == request.request
