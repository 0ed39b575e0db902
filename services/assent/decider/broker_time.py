"""Ask a broker for the time. Kafka only tells the time to a client that appends something."""

import asyncio
from typing import Final

from assent.decider.clocks import SeenAppend
from assent.decider.wall_clock_watch import MachineClock
from assent.ledger.appender import broker_time
from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.topics import HEADS

KEY: Final = b"clock"
"""The key of the records appended for this. They have no value, so readers skip them and Kafka drops them."""
_WITHIN_S: Final = 10.0


async def ask_time(connection: Connection, machine: MachineClock) -> SeenAppend | None:
    """A record appended now, as dated by the broker that leads `assent.heads`.

    None where the topic keeps the sender's time, which would be this machine's own.
    Raises KafkaError, TimeoutError.
    """
    producer = await open_producer(connection)
    try:
        async with asyncio.timeout(_WITHIN_S):
            after = machine.read().steady
            ack = await producer.send_and_wait(HEADS, key=KEY, partition=0)
            by = machine.read().steady
    finally:
        await producer.stop()
    appended = broker_time(ack)
    return None if appended is None else SeenAppend(appended, after, by)
