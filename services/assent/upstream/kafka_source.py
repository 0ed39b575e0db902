"""Reads a topic in a consumer group, and commits an offset only once everything before it is durable."""

from collections.abc import Callable
from typing import Final

import asyncpg
from aiokafka import ConsumerRecord

from assent.upstream import events
from assent.upstream.source_settings import KafkaSource
from assent.upstream.topic_records import TopicRecord, UnusableRecordError, event_of, raw_document
from assent_contracts.client.connection import Connection, Consumer, started

_POLL_MS: Final = 500
_AT_ONCE: Final = 200


class TopicReader:
    """One topic."""

    def __init__(
        self, source: KafkaSource, connection: Connection, pool: asyncpg.Pool, on_event: Callable[[], None]
    ) -> None:
        self._source = source
        self._connection = connection
        self._pool = pool
        self._on_event = on_event
        self._consumer: Consumer | None = None

    async def stop(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def read(self) -> None:
        """Read some records. Raises KafkaError, asyncpg.PostgresError; then it begins where it committed."""
        try:
            await self._read(await self._started())
        except BaseException:
            # What was fetched and not stored must be fetched again.
            await self.stop()
            raise

    async def _started(self) -> Consumer:
        if self._consumer is None:
            consumer = Consumer(
                self._source.topic,
                **self._connection.options(),
                group_id=self._source.group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            await started(consumer)
            self._consumer = consumer
        return self._consumer

    async def _read(self, consumer: Consumer) -> None:
        fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        if not fetched:
            return
        usable: list[tuple[str, bytes]] = []
        for records in fetched.values():
            for record in records:
                event = await self._event(_topic_record(record))
                usable += [] if event is None else [event]
        await events.receive_many(self._pool, self._source.name, usable)
        await consumer.commit(
            {place: records[-1].offset + 1 for place, records in fetched.items() if records}
        )
        self._on_event()

    async def _event(self, record: TopicRecord) -> tuple[str, bytes] | None:
        try:
            event = event_of(self._source, record)
        except UnusableRecordError as error:
            document = raw_document(record)
            await events.refuse(self._pool, self._source.name, record.place, "kafka", str(error), document)
            return None
        return None if event is None else (event.id, event.document)


def _topic_record(record: ConsumerRecord) -> TopicRecord:
    return TopicRecord(
        place=f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp}",
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
    )
