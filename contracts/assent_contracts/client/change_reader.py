"""Read one partition of `assent.changes` for an applier, from the position in its journal on.

The topic is only transport: it deletes old records and may be recreated. Then it is read from its beginning.
To see a change again does no harm, but to wait at a position that the topic does not have would never end.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.applier_memory import ApplierMemory, position_after
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.partition_probe import LOOK_EVERY_S
from assent_contracts.topics import CHANGES

_POLL_MS: Final = 500
_POLL_RECORDS: Final = 500
_log: Final = logging.getLogger(__name__)

TakeChanges = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
"""Takes records. On return each is done or in progress."""


async def take_changes(
    connection: Connection, journal: Journal, memory: ApplierMemory, partition: int, take: TakeChanges
) -> None:
    """Run until cancelled. Raises KafkaError, TimeoutError, OSError, and what `take` raises."""
    while True:
        offset = await memory.start(partition)
        if offset < journal.position(partition).offset:
            _log.warning("%s/%d was recreated: it is read from its beginning", CHANGES, partition)
        await _take_from(offset, connection, journal, memory, partition, take)


async def _take_from(
    offset: int,
    connection: Connection,
    journal: Journal,
    memory: ApplierMemory,
    partition: int,
    take: TakeChanges,
) -> None:
    """Return when the topic has to be read from another offset."""
    place = TopicPartition(CHANGES, partition)
    consumer = await open_consumer(connection, {place: offset})
    look_at = time.monotonic() + LOOK_EVERY_S
    try:
        while True:
            records = (await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)).get(place)
            if records:
                await take(records)
                position = position_after(records[-1].offset, records[-1].value)
                offset = position.offset
                # It is durable with what comes next, and never before the changes that it leaves behind.
                journal.keep_position(partition, position)
            if time.monotonic() >= look_at:
                if await memory.start(partition) != offset:
                    return
                look_at = time.monotonic() + LOOK_EVERY_S
    except OffsetOutOfRangeError:
        return
    finally:
        await consumer.stop()
