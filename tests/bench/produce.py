"""Make a workload in two processes and put it on `assent.commands`, in order."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from aiokafka import AIOKafkaProducer

from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.topics import COMMANDS
from tests.bench.workload import PARTITION, WAVE, Message, Mix, messages

_PROCESSES = 2
_AHEAD = 4
_BATCH_RECORDS = 500
_keys: dict[str, SecretKey] = {}


def _load(folder: Path) -> None:
    _keys.update({path.stem: load_key(path) for path in folder.glob("*.key")})


def _wave(mix: Mix, number: int, identity: str, at_ms: int, sign: bool) -> list[Message]:  # noqa: FBT001  by position
    return list(messages(mix, number, _keys, identity, at_ms, sign=sign))


async def produce(
    connection: Connection,
    keys: Path,
    identity: str,
    mix: Mix,
    commands: int,
    *,
    sign: bool,
    told: Callable[[int, int], None],
) -> None:
    """Append `commands` (whole waves) to the only partition of the commands topic, which is empty."""
    producer = await open_producer(connection)
    in_flight: deque[asyncio.Future[object]] = deque()
    done = 0
    try:
        async for wave in _waves(keys, identity, mix, commands // WAVE, sign=sign):
            for start in range(0, len(wave), _BATCH_RECORDS):
                in_flight.append(await _send(producer, wave[start : start + _BATCH_RECORDS]))
                if len(in_flight) > _AHEAD:
                    await in_flight.popleft()
            done += len(wave)
            told(done, commands)
        await asyncio.gather(*in_flight)
    finally:
        await producer.stop()


async def _waves(
    keys: Path, identity: str, mix: Mix, count: int, *, sign: bool
) -> AsyncIterator[list[Message]]:
    at_ms = time.time_ns() // 1_000_000
    loop = asyncio.get_running_loop()
    context = get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=context, initializer=_load, initargs=(keys,)) as pool:
        coming = deque(
            loop.run_in_executor(pool, _wave, mix, n, identity, at_ms, sign)
            for n in range(min(count, _AHEAD))
        )
        for number in range(count):
            wave = await coming.popleft()
            if number + _AHEAD < count:
                coming.append(loop.run_in_executor(pool, _wave, mix, number + _AHEAD, identity, at_ms, sign))
            yield wave


async def _send(producer: AIOKafkaProducer, records: list[Message]) -> "asyncio.Future[object]":
    batch = producer.create_batch()
    for key, value, headers in records:
        added = batch.append(key=key, value=value, timestamp=None, headers=headers)
        assert added is not None, "a batch fits a produce request"
    return await producer.send_batch(batch, COMMANDS, partition=PARTITION)
