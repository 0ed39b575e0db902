"""Ask a broker what time it is: Kafka tells it only to who appends something."""

import asyncio
from typing import Final

from assent.decider.clocks import Seen
from assent.decider.wall_clock_watch import Machine
from assent.ledger.appender import broker_time
from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.topics import HEADS

KEY: Final = b"clock"
"""Of the records that are appended for it. Without a value: readers pass over them, Kafka forgets them."""
_WITHIN_S: Final = 10.0


async def ask_time(connection: Connection, machine: Machine) -> Seen | None:
    """An append of now, as the broker that leads `assent.heads` dates it.

    None where the topic keeps senders' time, which is this machine's own.
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
    return None if appended is None else Seen(appended, after, by)
