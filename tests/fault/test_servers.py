"""Kafka and Postgres killed under load and started again."""

import pytest
from aiokafka import TopicPartition

from assent.local.stack import Stack
from assent_contracts.client.connection import open_consumer
from assent_contracts.topics import LEDGER
from tests.support.world import ALL, World


@pytest.mark.timeout(180)
async def test_postgres_killed_and_restarted_loses_and_doubles_nothing(faulty: World, stack: Stack) -> None:
    faulty.start(*ALL)
    faulty.load.start()
    for _ in range(2):
        await faulty.load.until_decided(80)
        await stack.postgres.kill()
        await faulty.load.until_decided(40)
        await stack.postgres.start()
    await faulty.load.until_decided(40)
    await faulty.load.finish()
    await faulty.settled(timeout_s=90)


@pytest.mark.timeout(240)
async def test_kafka_killed_and_restarted_loses_and_doubles_nothing(faulty: World, stack: Stack) -> None:
    services = faulty.start(*ALL)
    faulty.load.start()
    for _ in range(2):
        await faulty.load.until_decided(80)
        await stack.kafka.kill()
        await stack.kafka.start()
    await faulty.load.until_decided(40)
    await faulty.load.finish()
    await faulty.settled(timeout_s=120)
    # A broker that is down for a while is no reason to give up.
    assert {service.name: service.deaths for service in services if service.deaths} == {}


async def test_consumer_can_be_stopped_while_the_broker_is_down(faulty: World, stack: Stack) -> None:
    consumers = [
        await open_consumer(faulty.log.connection, {TopicPartition(LEDGER, 0): 0}) for _ in range(20)
    ]
    await stack.kafka.kill()
    try:
        for consumer in consumers:
            assert await consumer.getmany(timeout_ms=30) == {}
            await consumer.stop()
    finally:
        await stack.kafka.start()
