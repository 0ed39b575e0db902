"""Read one ledger partition on Kafka from its first record to its end, through the acceptance rule."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException

from assent.verify.finding import FindingError
from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.heads import PUT_BACK
from assent_contracts.topics import LEDGER_TOPICS

Learn = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
"""Finds out what has to be known before these records can be judged."""
Take = Callable[[Sequence[Accepted]], None]
"""Takes an accepted run."""
After = Callable[[Sequence[Accepted], int], Awaitable[None]]
"""Hears what one poll has brought, and up to which offset all is read."""

_POLL_MS = 500


class Stretch(msgspec.Struct, frozen=True):
    """What there is of a partition."""

    beginning: int
    end: int


async def read_chain(
    connection: Connection, acceptance: Acceptance, take: Take, after: After, learn: Learn | None = None
) -> Stretch:
    """Read a ledger partition as it stands now. Raises FindingError, KafkaError, and what the callbacks do.

    A ledger is kept for ever from offset 0: one that begins later cannot be judged at all.
    """
    place = TopicPartition(LEDGER_TOPICS[acceptance.ledger], acceptance.partition)
    consumer = await reading(connection, {place: 0})
    try:
        beginning = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        must_begin(acceptance, beginning)
        read_to = 0
        while read_to < end:
            records = await fetched(consumer, place, acceptance)
            if learn is not None:
                await learn(records)
            accepted: list[Accepted] = []
            for record in records:
                run = acceptance.offer(record.offset, record.value, record.headers)
                if run:
                    take(run)
                    accepted.extend(run)
            read_to = (await positions(consumer))[place]
            await after(accepted, read_to)
    finally:
        await consumer.stop()
    return Stretch(beginning, end)


async def ends(connection: Connection, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The offsets at which these partitions end now. Raises KafkaError."""
    consumer = await reading(connection, dict.fromkeys(places, 0))
    try:
        return await consumer.end_offsets(places)
    finally:
        await consumer.stop()


def must_begin(acceptance: Acceptance, beginning: int) -> None:
    """Raises FindingError when the first records of a ledger partition, which begins here, are gone."""
    if beginning > 0:
        what = f"the topic begins at offset {beginning:,}: its first records were deleted"
        raise FindingError(acceptance.ledger, acceptance.partition, 0, what, todo=PUT_BACK)


async def fetched(
    consumer: AIOKafkaConsumer, place: TopicPartition, acceptance: Acceptance
) -> Sequence[ConsumerRecord]:
    """The partition's next records. Raises FindingError for bytes that the broker's disk has altered."""
    try:
        return (await fetch(consumer, timeout_ms=_POLL_MS)).get(place, ())
    except CorruptRecordException as error:
        offset = (await positions(consumer))[place]
        what = (
            f"the batch at offset {offset:,} of {place.topic}/{place.partition} does not have the checksum"
            " that it was written with: its bytes were altered on the broker's disk"
        )
        raise FindingError(acceptance.ledger, acceptance.partition, acceptance.head.seq + 1, what) from error
