"""Ask a broker what time it is: Kafka tells it only to who appends something."""

import asyncio
from typing import Final

from assent.decider.clocks import Seen
from assent.decider.machine import Machine
from assent_contracts.client.connection import Connection, writing
from assent_contracts.topics import HEADS

KEY: Final = b"clock"
"""Of the records that are appended for it. Without a value: readers pass over them, Kafka forgets them."""
_WITHIN_S: Final = 10.0


async def ask_time(connection: Connection, machine: Machine) -> Seen:
    """An append of now, as the broker that leads `assent.heads` dates it. Raises KafkaError, TimeoutError."""
    producer = await writing(connection)
    try:
        async with asyncio.timeout(_WITHIN_S):
            after = machine.read().steady
            ack = await producer.send_and_wait(HEADS, key=KEY, partition=0)
            by = machine.read().steady
    finally:
        await producer.stop()
    assert ack.timestamp is not None, "the producer dates what it sends, and the broker dates it again"
    return Seen(ack.timestamp, after, by)
