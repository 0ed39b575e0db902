"""From the release to the outcome: dispatch and appliers in this process, on a founded log."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.files.target import FilesTarget
from assent.dispatch.service import Dispatch
from assent.infra_files import infra_path
from assent.observe.health import Health
from assent_contracts.client.applier import STARTS_OVER, STOPPED, Applier
from assent_contracts.client.connection import Connection, open_consumer, open_producer
from assent_contracts.client.consumer_group import PartitionTasks
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import Handler, ReadBack
from assent_contracts.codec import encode
from assent_contracts.heads import Finding
from assent_contracts.released_change import POSITION_HEADER, Change, decode_change
from assent_contracts.topics import CHANGES
from tests.support.log import APPLIER, PARTITIONS, Log, read_ledger


class Folders(msgspec.Struct, frozen=True):
    """One applier's folders."""

    target: Path
    state: Path

    @classmethod
    def of(cls, root: Path, name: str = "applier") -> "Folders":
        return cls(root / name / "target", root / name / "state")


class Running:
    """A running applier, and its answers to each change."""

    def __init__(self) -> None:
        self.handled: list[Handled] = []
        self.differing: Mapping[int, Finding] = {}
        """The partitions of the ledger that differ from what it has read."""
        self.ready = asyncio.Event()
        self.missing: list[str | None] = []
        """Why no change could be applied, each time that this was told; None where it could."""
        self.task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()

    def differ(self, differing: Mapping[int, Finding]) -> None:
        self.differing = dict(differing)

    def miss(self, why: str | None) -> None:
        self.missing.append(why)
        # It reads changes, even if none can be applied.
        if why not in (STOPPED, STARTS_OVER):
            self.ready.set()

    async def tell(self, handled: Handled) -> None:
        self.handled.append(handled)
        async with self._news:
            self._news.notify_all()

    async def of(self, request: str, *results: str) -> Handled:
        """Its answer to a request, once there is one; one of `results` if any are named."""
        async with asyncio.timeout(30), self._news:
            while True:
                assert self.task is None or not self.task.done(), self.task.result()
                for handled in self.handled:
                    if handled.request == request and (not results or handled.result in results):
                        return handled
                await self._news.wait()

    def results(self) -> list[str]:
        return [handled.result for handled in self.handled]


@asynccontextmanager
async def dispatching(
    log: Log, follower: GovernanceFollower, health: Health | None = None
) -> AsyncIterator[PartitionTasks]:
    """Dispatch on every partition, in this process."""
    dispatch = Dispatch(log.connection, follower, health or Health("kafka"))
    tasks = PartitionTasks(dispatch.keep_dispatching, "dispatch")
    await tasks.work_on(frozenset(range(PARTITIONS)))
    try:
        yield tasks
        await tasks.work_on(frozenset(range(PARTITIONS)))
    finally:
        await tasks.work_on(frozenset())


@asynccontextmanager
async def applying(
    log: Log,
    follower: GovernanceFollower,
    folders: Folders,
    *,
    principal: str = APPLIER,
    handler: Handler | None = None,
    read_back: ReadBack | None = None,
    time_limit_s: float = 900.0,
    group: str | None = None,
) -> AsyncIterator[Running]:
    """A running applier, by default on `folders.target`. It is cut off at the end, not stopped."""
    running = Running()
    told: set[asyncio.Task[None]] = set()

    def tell(handled: Handled) -> None:
        told.add(asyncio.create_task(running.tell(handled)))

    folder = FilesTarget(FilesTable(folder=str(folders.target)), folders.state, log.identity)
    applier = Applier(
        log.connection,
        follower,
        log.keys[principal],
        folders.state,
        handler or folder.apply,
        read_back=read_back if handler is not None else folder.read_back,
        time_limit_s=time_limit_s,
        # In its own group, so that it does not wait for the session of one that was cut off.
        group=group or f"tests-{principal}-{id(running)}",
        on_handled=tell,
        on_differing=running.differ,
        on_missing=running.miss,
    )
    running.task = asyncio.create_task(applier.run(asyncio.Event()))
    ready = asyncio.create_task(running.ready.wait())
    await asyncio.wait({running.task, ready}, return_when=asyncio.FIRST_COMPLETED)
    if running.task.done():
        running.task.result()
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


async def read_release(connection: Connection, resource: str) -> tuple[ConsumerRecord, Change]:
    """The only record on `assent.changes` about an object, and what it says."""
    key = resource.encode()
    [record] = [each for each in await read_changes(connection) if each.key == key]
    assert record.value is not None
    return record, decode_change(record.value)


async def read_changes(connection: Connection) -> list[ConsumerRecord]:
    """Everything on `assent.changes` now."""
    places = [TopicPartition(CHANGES, partition) for partition in range(PARTITIONS)]
    consumer = await open_consumer(connection, dict.fromkeys(places, 0))
    records: list[ConsumerRecord] = []
    try:
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for fetched in (await consumer.getmany(timeout_ms=200)).values():
                records += fetched
    finally:
        await consumer.stop()
    return records


async def forge(log: Log, partition: int, value: bytes | None, *, position: int = 1 << 60) -> None:
    """Put a record on `assent.changes`, as anybody with a producer can."""
    producer = await open_producer(log.connection)
    try:
        await producer.send_and_wait(
            CHANGES,
            value,
            key=b"forged",
            partition=partition,
            headers=[(POSITION_HEADER, str(position).encode())],
        )
    finally:
        await producer.stop()


def altered(change: Change, **fields: object) -> bytes:
    """The bytes of a change with some fields altered."""
    return encode(msgspec.structs.replace(change, **fields))


async def events_of(log: Log, follower: GovernanceFollower, request: str) -> list[str]:
    """The names of the events on a request, in order, according to the accepted ledger."""
    partition = int(request.partition("-")[0])
    found: list[str] = []
    for accepted in (await read_ledger(log, follower))[partition]:
        if isinstance(accepted.record.events, msgspec.Raw):
            for event in msgspec.json.decode(accepted.record.events):
                if event.get("request") == request:
                    found += [event["type"].removeprefix("assent.").removesuffix(".v1")]
    return found


async def process(module: str, *arguments: str, log: Log, folders: Folders) -> asyncio.subprocess.Process:
    """A service as a process: `python -m MODULE`, with the demo applier's settings."""
    environment = {
        **os.environ,
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / f"{APPLIER}.key"),
        "ASSENT_TARGET": str(folders.target),
        "ASSENT_STATE": str(folders.state),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env=environment, stderr=asyncio.subprocess.PIPE
    )


async def killed_at(step: str, *, log: Log, folders: Folders) -> None:
    """Runs a real applier until it is killed at a step of its first change."""
    applier = await process("tests.support.killed_applier", step, log=log, folders=folders)
    _, said = await asyncio.wait_for(applier.communicate(), 60)
    assert applier.returncode == -signal.SIGKILL, said.decode()


def demo_governance(path: Path, *, lease: str = "5m", appliers: tuple[str, ...] = (APPLIER,)) -> Path:
    """The demo's governance file with another lease, and with these appliers."""
    text = infra_path("demo/governance.toml").read_text()
    text = text.replace('lease = "5m"', f'lease = "{lease}"')
    text = text.replace('principals = ["applier"]', f"principals = {list(appliers)}")
    for name in appliers:
        if name != APPLIER:
            text += f'\n[[principals]]\nid = "{name}"\nkind = "service"\n'
    path.write_text(text)
    return path
