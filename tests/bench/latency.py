"""Latency: from passing a submission to the client until its decision has been read, at a steady rate.

The rate does not depend on the answers (open loop). If the job has a topic, the submission goes through the
relay instead, with the same bytes and a client of the same settings.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import TopicPartition
from msgspec import Raw

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings, need
from assent_contracts.client.connection import open_consumer, open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key, signed_headers
from assent_contracts.client.publisher import Publisher, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from tests.bench.child import answer, job, tell
from tests.bench.relay import INTO, OUT_OF
from tests.bench.workload import PARTITION, SOURCE

PAYLOAD = Raw(encode({"content": "Restart-Service agent; " * 12, "runAs": "system"}))
_POLL_MS = 500

Submit = Callable[[SubmitChange], Awaitable[object]]
"""Returns when the submission has been answered."""


def _submission(key: SecretKey) -> SubmitChange:
    name = new_command_id()
    return SubmitChange(
        id=name,
        principal=key.principal,
        at=now_ms(),
        resource=f"script/{name}.ps1",
        operation="edit",
        justification="The agent's log fills the disk of older devices.",
        payload=PAYLOAD,
    )


@asynccontextmanager
async def _product(settings: ServiceSettings, key: SecretKey) -> AsyncIterator[Submit]:
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    publisher = Publisher(settings.kafka, follower, source=SOURCE)
    await publisher.start()
    await publisher.catch_up()

    async def submit(command: SubmitChange) -> None:
        decided = await publisher.send(command, key)
        assert decided.refusal is None, decided.refusal

    try:
        yield submit
    finally:
        await publisher.stop()
        await follower.stop()


@asynccontextmanager
async def _relayed(settings: ServiceSettings, key: SecretKey) -> AsyncIterator[Submit]:
    place = TopicPartition(OUT_OF, PARTITION)
    consumer = await open_consumer(settings.kafka, {place: 0})
    consumer.seek(place, (await consumer.end_offsets([place]))[place])
    producer = await open_producer(settings.kafka)
    waiting: dict[bytes, asyncio.Future[None]] = {}
    # As many bytes as the product's, signed once, because a relay would not sign.
    headers = signed_headers(key, settings.identity, _submission(key), b"", SOURCE)

    async def listen() -> None:
        while True:
            for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    waiting.pop(record.key or b"").set_result(None)

    async def submit(command: SubmitChange) -> None:
        value, name = encode(command), command.resource.encode()
        back = waiting[name] = asyncio.get_running_loop().create_future()
        await producer.send_and_wait(INTO, value, key=name, headers=headers, partition=PARTITION)
        await back

    listening = asyncio.create_task(listen())
    try:
        yield submit
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await producer.stop()
        await consumer.stop()


async def at_rate(ask: Callable[[], Awaitable[object]], count: int, rate: int) -> list[float]:
    """Call `ask` `count` times at `rate` per second; returns the latencies in ms, in order.

    The time that `ask` takes before it returns an awaitable is not counted.
    """
    latencies = [0.0] * count

    async def one(number: int) -> None:
        answered = ask()
        started = time.perf_counter()
        await answered
        latencies[number] = (time.perf_counter() - started) * 1_000

    loop = asyncio.get_running_loop()
    start = loop.time()
    tasks: list[asyncio.Task[None]] = []
    for number in range(count):
        late_s = loop.time() - start - number / rate
        if late_s < 0:
            await asyncio.sleep(-late_s)
        tasks.append(asyncio.create_task(one(number)))
        if number % rate == 0:
            tell(number, count)
    await asyncio.gather(*tasks)
    return latencies


async def _measure(settings: ServiceSettings, health: Health, stop: object) -> None:
    work = job()
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    way = _relayed if work.topic else _product
    async with way(settings, key) as submit:
        await submit(_submission(key))
        await at_rate(lambda: submit(_submission(key)), work.warm_up, work.rate)
        started = time.perf_counter()
        latencies = await at_rate(lambda: submit(_submission(key)), work.commands, work.rate)
        answer(time.perf_counter() - started, latencies)


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
