"""A consumer of ledger partitions as FastStream sees it: every message is the run of one partition.

This is the seam between Kafka and FastStream. What a stranger writes to a topic (a header that is not UTF-8,
a `reply_to`) is bytes inside a run, so nothing of it reaches FastStream's parser. A partition that does not
reach to where it is to be read is held instead of being reset.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, OffsetOutOfRangeError

from assent_contracts.client.connection import Consumer
from assent_contracts.client.fetch import Records, positions

Forget = Callable[[Iterable[TopicPartition]], None]
"""Drops what is held in memory of these partitions."""
_log = logging.getLogger(__name__)


@dataclass
class PartitionRun(ConsumerRecord[bytes, bytes]):
    """Records of one partition that follow one another, as one message without a value of its own."""

    records: list[ConsumerRecord] = field(default_factory=list)

    @property
    def place(self) -> TopicPartition:
        """The partition that they are in."""
        return TopicPartition(self.topic, self.partition)


def run_of(records: list[ConsumerRecord]) -> PartitionRun:
    """The run of these records, of which there is at least one."""
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
    """A consumer whose messages are runs, and which holds a partition rather than jump in it."""

    def __init__(self, *topics: str, forget: Forget, **options: Any) -> None:
        """`forget` is called with each partition that is held."""
        super().__init__(*topics, **options)
        self._forget = forget
        self.held: set[TopicPartition] = set()
        """The assigned partitions of which nothing is read for now."""

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
        """Read no more of a partition, until `resume_at`."""
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
        """Read from another offset than the next, if the partition is still assigned."""
        try:
            self.seek(place, offset)
        except IllegalStateError:
            _log.debug("%s is not assigned any more", place)
