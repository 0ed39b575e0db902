"""What the parts can do when they do nothing else: a raw consume, and Ed25519 on two threads.

`topic` of the job names the topic to consume. Without one, the signatures of the commands are checked.
"""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from nacl.bindings import crypto_sign_open

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent_contracts.client.connection import open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.digests import from_base64url
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER, command_message
from assent_contracts.topics import COMMANDS
from tests.bench.child import answer, job, tell
from tests.bench.workload import PARTITION

_THREADS = 2
_CHUNK = 50_000
_TOLD_EVERY = 50_000


async def _measure(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    work = job()
    place = TopicPartition(work.topic or COMMANDS, PARTITION)
    consumer = await open_consumer(settings.kafka, {place: 0})
    try:
        if work.topic:
            answer(await _consume(consumer, place, work.commands, work.max_records))
        else:
            follower = GovernanceFollower(settings.kafka, settings.identity)
            await follower.start()
            answer(await _signatures(consumer, place, work.commands, follower))
            await follower.stop()
    finally:
        await consumer.stop()


async def _consume(
    consumer: AIOKafkaConsumer, place: TopicPartition, records: int, most: int | None
) -> float:
    """Seconds from the first records to the last. They are read as the services read them, then dropped."""
    read = told = 0
    started = 0.0
    while read < records:
        fetched = await consumer.getmany(place, timeout_ms=500, max_records=most)
        started = started or (time.perf_counter() if fetched else 0.0)
        read += len(fetched.get(place, ()))
        if read - told >= _TOLD_EVERY:
            told = read
            tell(read, records)
    return time.perf_counter() - started


async def _signatures(
    consumer: AIOKafkaConsumer, place: TopicPartition, records: int, follower: GovernanceFollower
) -> float:
    """Seconds that two threads need for the commands' signatures, without fetching and hashing."""
    governance = Governance()
    advance_to(governance, follower.history, len(follower.history) - 1)
    seconds, read = 0.0, 0
    checks: list[tuple[bytes, bytes]] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        while read < records:
            fetched = await consumer.getmany(place, timeout_ms=500)
            for record in fetched.get(place, ()):
                checks.append(_check_of(record, governance, follower.identity))
                read += 1
            if len(checks) >= _CHUNK or read >= records:
                started = time.perf_counter()
                share = -(-len(checks) // _THREADS)
                for part in pool.map(_open_all, (checks[:share], checks[share:])):
                    assert part
                seconds += time.perf_counter() - started
                checks.clear()
                tell(read, records)
    return seconds


def _check_of(record: ConsumerRecord, governance: Governance, identity: str) -> tuple[bytes, bytes]:
    headers = dict(record.headers)
    key = governance.keys[headers[KEY_HEADER].decode()]
    signature = from_base64url(headers[SIGNATURE_HEADER].decode())
    return signature + command_message(identity, record.value or b""), key.public_key


def _open_all(checks: list[tuple[bytes, bytes]]) -> bool:
    for signed, public_key in checks:
        crypto_sign_open(signed, public_key)
    return True


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
