"""Read one ledger partition on Kafka from its first record to its end, through the acceptance rule."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException

from assent.verify.finding import FindingError
from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.partition_contents import PartitionContents, partition_contents
from assent_contracts.heads import PUT_BACK
from assent_contracts.topics import LEDGER_TOPICS

Learn = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
"""Finds out what must be known before these records can be judged."""
TakeAccepted = Callable[[Sequence[Accepted]], None]
"""Receives an accepted run."""
AfterRecords = Callable[[Sequence[Accepted], int], Awaitable[None]]
"""Called with what one poll returned, and the offset up to which everything is read."""


class Stretch(msgspec.Struct, frozen=True):
    """The offsets between which a partition has records."""

    beginning: int
    end: int


async def read_chain(
    connection: Connection,
    acceptance: Acceptance,
    take: TakeAccepted,
    after: AfterRecords,
    learn: Learn | None = None,
) -> Stretch:
    """Read a ledger partition as it is now. Raises FindingError, KafkaError, and what the callbacks raise.

    A ledger is kept for ever from offset 0. One that begins later cannot be judged at all.
    """
    place = TopicPartition(LEDGER_TOPICS[acceptance.ledger], acceptance.partition)
    async with ledger_contents(connection, place, acceptance) as contents:
        async for records in contents:
            if learn is not None:
                await learn(records)
            accepted: list[Accepted] = []
            for record in records:
                run = acceptance.offer(record.offset, record.value, record.headers)
                if run:
                    take(run)
                    accepted.extend(run)
            await after(accepted, contents.read_to)
    return Stretch(contents.beginning, contents.end)


@asynccontextmanager
async def ledger_contents(
    connection: Connection, place: TopicPartition, acceptance: Acceptance
) -> AsyncIterator[PartitionContents]:
    """What a ledger partition has now, from its first record on.

    Raises KafkaError. Raises FindingError where the first records were deleted, or bytes were altered on the
    broker's disk.
    """
    async with partition_contents(connection, place) as contents:
        if contents.beginning > 0:
            what = f"the topic begins at offset {contents.beginning:,}: its first records were deleted"
            raise FindingError(acceptance.ledger, acceptance.partition, 0, what, todo=PUT_BACK)
        try:
            yield contents
        except CorruptRecordException as error:
            what = (
                f"the batch at offset {contents.read_to:,} of {place.topic}/{place.partition} does not have"
                " the checksum that it was written with: its bytes were altered on the broker's disk"
            )
            seq = acceptance.head.seq + 1
            raise FindingError(acceptance.ledger, acceptance.partition, seq, what) from error


async def ends(connection: Connection, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The offsets at which these partitions end now. Raises KafkaError."""
    consumer = await open_consumer(connection, dict.fromkeys(places, 0))
    try:
        return await consumer.end_offsets(places)
    finally:
        await consumer.stop()
