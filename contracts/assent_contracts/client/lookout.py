"""Look at what is there of some partitions: where they begin and end, and one record at an offset."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.heads import NOTHING, Found

_RECORD_TIMEOUT_S: Final = 10.0
_POLL_MS: Final = 500
_BATCH_BYTES: Final = 1
"""A broker sends the first batch whole, however little is asked for, and no more than that is needed."""


class Lookout:
    """Looks at some partitions, again and again; reads no more of them than it is asked for."""

    def __init__(self, connection: Connection, places: Collection[TopicPartition]) -> None:
        self._connection = connection
        self._places = list(places)
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        """Connect. Raises KafkaError."""
        self._consumer = await reading(
            self._connection, dict.fromkeys(self._places, 0), partition_bytes=_BATCH_BYTES
        )
        self._consumer.pause(*self._places)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def found(self, at: Mapping[TopicPartition, int]) -> dict[TopicPartition, Found]:
        """What is there of these partitions, with the hash of the record at each offset; -1 for none.

        Raises KafkaError, TimeoutError.
        """
        assert self._consumer is not None
        beginnings = await self._consumer.beginning_offsets(list(at))
        ends = await self._consumer.end_offsets(list(at))
        there: dict[TopicPartition, Found] = {}
        for place, offset in at.items():
            inside = beginnings[place] <= offset < ends[place]
            sha256 = await self._sha256_at(place, offset) if inside else None
            there[place] = Found(beginning=beginnings[place], end=ends[place], sha256=sha256)
        return there

    async def _sha256_at(self, place: TopicPartition, offset: int) -> str:
        """SHA-256 (hex) of the value at an offset; NOTHING when no record stands there."""
        assert self._consumer is not None
        self._consumer.seek(place, offset)
        self._consumer.resume(place)
        try:
            async with asyncio.timeout(_RECORD_TIMEOUT_S):
                while True:
                    fetched = await fetch(self._consumer, place, timeout_ms=_POLL_MS, max_records=1)
                    for record in fetched.get(place, ()):
                        if record.offset != offset:
                            return NOTHING
                        return hashlib.sha256(record.value or b"").hexdigest()
                    if (await positions(self._consumer, place))[place] > offset:
                        return NOTHING
        finally:
            self._consumer.pause(place)

    def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has of which this looks at one; None while that is not known."""
        assert self._consumer is not None
        there = self._consumer.partitions_for_topic(topic)
        return None if there is None else len(there)
