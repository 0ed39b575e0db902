"""A consumer of ledger partitions for FastStream: every message is a run of one partition's records.

This is the seam between Kafka and FastStream. What a stranger writes to a topic (a header that is not UTF-8,
a `reply_to`) is only bytes inside a run, so it never reaches FastStream's parser. A partition that does not
contain the offset to read next is held instead of being reset.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, OffsetOutOfRangeError

from assent_contracts.client.connection import Consumer
from assent_contracts.client.record_fetching import Records, positions

Forget = Callable[[Iterable[TopicPartition]], None]
"""Drops what is kept in memory of these partitions."""
_log = logging.getLogger(__name__)


@dataclass
class PartitionRun(ConsumerRecord[bytes, bytes]):
    """Consecutive records of one partition, as one message without a value of its own."""

    records: list[ConsumerRecord] = field(default_factory=list)

    @property
    def place(self) -> TopicPartition:
        """The partition of the records."""
        return TopicPartition(self.topic, self.partition)


def run_of(records: list[ConsumerRecord]) -> PartitionRun:
    """The run of these records. There is at least one."""
    first = records[0]
    return PartitionRun(
        topic=first.topic,
        partition=first.partition,
        offset=first.offset,
        timestamp=first.timestamp,
        timestamp_type=first.timestamp_type,
        key=None,
        value=None,
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=(),
        records=records,
    )


class LedgerConsumer(Consumer):
    """A consumer whose messages are runs, and which holds a partition instead of jumping in it."""

    def __init__(self, *topics: str, forget: Forget, **options: Any) -> None:
        """`forget` is called with each partition that is held."""
        super().__init__(*topics, **options)
        self._forget = forget
        self.held: set[TopicPartition] = set()
        """The assigned partitions that are not read for now."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        """One run of each partition from which records have arrived. Raises KafkaError."""
        try:
            fetched = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except OffsetOutOfRangeError:
            for place in await self._out_of_range():
                self.hold(place)
            return {}
        return {place: [run_of(records)] for place, records in fetched.items() if records}

    async def _out_of_range(self) -> list[TopicPartition]:
        at = await positions(self)
        places = list(at)
        beginnings, ends = await self.beginning_offsets(places), await self.end_offsets(places)
        return [place for place in places if not beginnings[place] <= at[place] <= ends[place]]

    def hold(self, place: TopicPartition) -> None:
        """Stop reading a partition until `resume_at`."""
        self._forget([place])
        try:
            self.pause(place)
        except IllegalStateError:
            _log.debug("%s is not assigned any more", place)
        else:
            self.held.add(place)

    def resume_at(self, place: TopicPartition, offset: int) -> None:
        """Read a held partition again, from an offset."""
        self.held.discard(place)
        if place in self.assignment():
            self.seek(place, offset)
            self.resume(place)

    def continue_at(self, place: TopicPartition, offset: int) -> None:
        """Read from an offset other than the next one, if the partition is still assigned."""
        try:
            self.seek(place, offset)
        except IllegalStateError:
            _log.debug("%s is not assigned any more", place)
