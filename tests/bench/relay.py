"""A bare relay: it consumes from one topic, produces to the other, and decides nothing."""

import asyncio
from typing import Final

from aiokafka import TopicPartition

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent_contracts.client.connection import open_consumer, open_producer
from tests.bench.workload import PARTITION

INTO: Final = "bench.relay.in"
OUT_OF: Final = "bench.relay.out"
_POLL_MS: Final = 500


async def _relay(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    consumer = await open_consumer(settings.kafka, {TopicPartition(INTO, PARTITION): 0})
    producer = await open_producer(settings.kafka)
    try:
        while not stop.is_set():
            for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    await producer.send(
                        OUT_OF,
                        record.value,
                        key=record.key,
                        headers=list(record.headers),
                        partition=PARTITION,
                    )
    finally:
        await producer.stop()
        await consumer.stop()


if __name__ == "__main__":
    run_service("relay", _relay, "kafka")
