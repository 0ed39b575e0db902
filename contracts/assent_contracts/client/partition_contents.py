"""The records of a partition from an offset to the end that it has when reading begins."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent_contracts.client.connection import FETCH_MAX_BYTES, Connection, open_consumer
from assent_contracts.client.record_fetching import positions

_POLL_MS: Final = 500


class PartitionContents:
    """The records of a partition up to a fixed end, to be read once and in order."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        place: TopicPartition,
        *,
        start: int,
        beginning: int,
        end: int,
        max_records: int | None,
    ) -> None:
        self.beginning = beginning
        """The offset at which the partition begins. Earlier records were deleted."""
        self.end = end
        """The offset at which reading ends. Later records are left out: they may be the first half of a run.
        """
        self.read_to = start
        """The offset up to which it was read."""
        self._consumer = consumer
        self._place = place
        self._max_records = max_records

    async def __aiter__(self) -> AsyncIterator[list[ConsumerRecord]]:
        """The records of each poll, perhaps none. Raises KafkaError, including CorruptRecordException."""
        while self.read_to < self.end:
            fetched = await self._consumer.getmany(
                self._place, timeout_ms=_POLL_MS, max_records=self._max_records
            )
            self.read_to = (await positions(self._consumer, self._place))[self._place]
            yield [record for record in fetched.get(self._place, ()) if record.offset < self.end]


@asynccontextmanager
async def partition_contents(
    connection: Connection,
    place: TopicPartition,
    *,
    start: int = 0,
    end: int | None = None,
    partition_bytes: int = FETCH_MAX_BYTES,
    max_records: int | None = None,
) -> AsyncIterator[PartitionContents]:
    """The records of a partition from `start` to `end`, or to where it ends now. Raises KafkaError.

    `partition_bytes`: how much is fetched at once. `max_records`: how many records a poll returns.
    """
    consumer = await open_consumer(connection, {place: start}, partition_bytes=partition_bytes)
    try:
        beginning = (await consumer.beginning_offsets([place]))[place]
        yield PartitionContents(
            consumer,
            place,
            start=start,
            beginning=beginning,
            end=(await consumer.end_offsets([place]))[place] if end is None else end,
            max_records=max_records,
        )
    finally:
        await consumer.stop()
