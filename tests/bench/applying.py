"""Appliers: how many changes one applies per second, and how long an approved change takes to be applied.

Its handler does nothing, so what is measured is the client with the decider and dispatch: the claim, the
journal and the report. With a rate, requests that were submitted before are approved and completed at that
rate, and a latency ends when the ledger has the outcome. Without one, all changes are released first. If the
job has a topic, a bare loop runs instead: for each change it consumes it produces two records, in turn.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import TopicPartition

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings, need
from assent_contracts import commands as c
from assent_contracts.client.applier import Applier
from assent_contracts.client.connection import open_consumer, open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import Release
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import Publisher, new_command_id, now_ms
from assent_contracts.events import ChangeSubmitted
from assent_contracts.topics import CHANGES
from tests.bench.child import Job, answer, job, tell
from tests.bench.latency import PAYLOAD, at_rate
from tests.bench.workload import PARTITION, SOURCE

APPLIED: Final = "bench.applied"
"""What the bare loop produces to."""
_AT_ONCE = 16
"""As many as an applier has in progress unless it is told otherwise."""
_RELEASING = 64
_POLL_MS = 500


class _People:
    """Those who bring a change to its release."""

    def __init__(self, publisher: Publisher, keys: Path) -> None:
        self._publisher = publisher
        self._upstream, self._approver = (load_key(keys / f"{name}.key") for name in ("device-config", "bob"))

    async def _send(self, command: c.Command, key: SecretKey) -> ChangeSubmitted | None:
        decided = await self._publisher.send(command, key)
        assert decided.refusal is None, decided.refusal
        first = decided.events[0]
        return first if isinstance(first, ChangeSubmitted) else None

    async def submit(self) -> ChangeSubmitted:
        name = new_command_id()
        submitted = await self._send(
            c.SubmitChange(
                id=name,
                principal=self._upstream.principal,
                at=now_ms(),
                resource=f"script/{name}.ps1",
                operation="edit",
                justification="The agent's log fills the disk of older devices.",
                payload=PAYLOAD,
            ),
            self._upstream,
        )
        assert submitted is not None
        return submitted

    async def release(self, request: ChangeSubmitted) -> None:
        for kind, key in ((c.Approve, self._approver), (c.Complete, self._upstream)):
            command = kind(
                id=new_command_id(),
                principal=key.principal,
                at=now_ms(),
                resource=request.resource,
                request=request.request,
                submission=request.submission,
            )
            await self._send(command, key)


class _Outcomes:
    """The changes that were applied."""

    def __init__(self, total: int) -> None:
        self._applied: dict[str, asyncio.Event] = {}
        self._total = total
        self.count = 0
        self.first = asyncio.Event()
        self.all = asyncio.Event()

    def hear(self, handled: Handled) -> None:
        if handled.result != "succeeded" or handled.request is None:
            return
        self.of(handled.request).set()
        self.count += 1
        self.first.set()
        if self.count % _RELEASING == 0:
            tell(self.count, self._total)
        if self.count >= self._total:
            self.all.set()

    def of(self, request: str) -> asyncio.Event:
        return self._applied.setdefault(request, asyncio.Event())


async def _nothing(_release: Release) -> None:
    """A handler that applies nothing."""


class _Running(msgspec.Struct):
    """What both measurements need."""

    follower: GovernanceFollower
    key: SecretKey
    people: _People
    outcomes: _Outcomes


@asynccontextmanager
async def _applier(settings: ServiceSettings, running: _Running) -> AsyncIterator[None]:
    stop = asyncio.Event()
    with tempfile.TemporaryDirectory(dir=need(settings.state, "ASSENT_STATE")) as state:
        applier = Applier(
            settings.kafka,
            running.follower,
            running.key,
            Path(state),
            _nothing,
            on_handled=running.outcomes.hear,
            concurrency=_AT_ONCE,
        )
        task = asyncio.create_task(applier.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def _release_all(people: _People, count: int) -> None:
    gate = asyncio.Semaphore(_RELEASING)

    async def one() -> None:
        async with gate:
            await people.release(await people.submit())

    await asyncio.gather(*(one() for _ in range(count)))


async def _until_dispatched(settings: ServiceSettings, count: int) -> None:
    place = TopicPartition(CHANGES, PARTITION)
    consumer = await open_consumer(settings.kafka, {place: 0})
    try:
        while await consumer.position(place) < count:
            await consumer.getmany(timeout_ms=_POLL_MS)
    finally:
        await consumer.stop()


async def _bare_loop(settings: ServiceSettings, topic: str, count: int) -> None:
    place = TopicPartition(CHANGES, PARTITION)
    consumer = await open_consumer(settings.kafka, {place: 0})
    producer = await open_producer(settings.kafka)
    gate = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def one(value: bytes | None) -> None:
        nonlocal done
        async with gate:
            for _ in ("claim", "report"):
                await producer.send_and_wait(topic, value, partition=PARTITION)
        done += 1

    started = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    while len(tasks) < count:
        for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
            tasks += [asyncio.create_task(one(record.value)) for record in records]
        tell(done, count)
    await asyncio.gather(*tasks)
    answer(time.perf_counter() - started)
    await producer.stop()
    await consumer.stop()


async def _throughput(settings: ServiceSettings, running: _Running, count: int) -> None:
    await _release_all(running.people, count)
    await _until_dispatched(settings, count)
    async with _applier(settings, running):
        await running.outcomes.first.wait()
        started = time.perf_counter()
        await running.outcomes.all.wait()
        answer(time.perf_counter() - started)


async def _latencies(settings: ServiceSettings, running: _Running, work: Job) -> None:
    people, outcomes = running.people, running.outcomes
    waiting = [await people.submit() for _ in range(work.warm_up + work.commands)]

    async def approve(request: ChangeSubmitted) -> None:
        await people.release(request)
        await outcomes.of(request.request).wait()

    async with _applier(settings, running):
        for _ in range(work.warm_up):
            await approve(waiting.pop())
        started = time.perf_counter()
        latencies = await at_rate(lambda: approve(waiting.pop()), work.commands, work.rate)
        answer(time.perf_counter() - started, latencies)


async def _measure(settings: ServiceSettings, health: Health, stop: object) -> None:
    work = job()
    if work.topic:
        await _bare_loop(settings, work.topic, work.commands)
        return
    key_file = need(settings.key_file, "ASSENT_KEY_FILE")
    follower = GovernanceFollower(settings.kafka, settings.identity, with_evidence=True)
    await follower.start()
    publisher = Publisher(settings.kafka, follower, source=SOURCE)
    await publisher.start()
    outcomes = _Outcomes(work.commands + work.warm_up)
    running = _Running(follower, load_key(key_file), _People(publisher, key_file.parent), outcomes)
    try:
        if work.rate:
            await _latencies(settings, running, work)
        else:
            await _throughput(settings, running, work.commands)
    finally:
        await publisher.stop()
        await follower.stop()


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
