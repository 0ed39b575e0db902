"""The ledger as a FastStream app: batches of raw records, handed to a projector."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, OffsetOutOfRangeError
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from assent_contracts.client.connection import FETCH_MAX_BYTES, REQUEST_TIMEOUT_MS, Connection
from assent_contracts.client.fetch import Records, fetch, positions

POLL_RECORDS: Final = 25_000
POLL_MS: Final = 50
"""How long a poll waits; FastStream sleeps as long again after one that brought nothing."""
SESSION_TIMEOUT_MS: Final = 10_000
STOP_LIMIT_S: Final = 3.0
"""How long a batch may take to end once the service is told to stop; then it is rolled back."""

Batch = tuple[ConsumerRecord, ...]
Take = Callable[[TopicPartition, list[ConsumerRecord]], Awaitable[int | None]]
"""Takes in one partition's records; returns the offset to read next, or None to read none for now."""
Forget = Callable[[Iterable[TopicPartition]], None]
StartAt = Callable[[TopicPartition], int]
"""From which offset to read a partition that has just been assigned."""


def broker_for(connection: Connection) -> KafkaBroker:
    """A FastStream broker that only consumes, creates no topic and logs nothing below a warning."""
    return KafkaBroker(
        connection.addresses,
        security=_security(connection),
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        consumer_only=True,
        allow_auto_create_topics=False,
        apply_types=False,
        logger=_errors_only(),
        graceful_timeout=STOP_LIMIT_S,
    )


def _errors_only() -> logging.Logger:
    # At info it writes a line or two for each batch.
    logger = logging.getLogger("faststream.kafka")
    logger.setLevel(logging.WARNING)
    return logger


def _security(connection: Connection) -> BaseSecurity:
    context = connection.options().get("ssl_context")
    tls = {"ssl_context": context, "use_ssl": connection.security_protocol.endswith("SSL")}
    if not connection.security_protocol.startswith("SASL"):
        return BaseSecurity(**tls)
    login = {"username": connection.sasl_username or "", "password": connection.sasl_password or "", **tls}
    match connection.sasl_mechanism:
        case "PLAIN":
            return SASLPlaintext(**login)
        case "SCRAM-SHA-256":
            return SASLScram256(**login)
        case "SCRAM-SHA-512":
            return SASLScram512(**login)


class LedgerStream:
    """A member of a consumer group that hands each partition's records to `take`, in offset order.

    The group shares out the partitions; it stores no offsets. A new assignment starts where `start_at` says,
    and `take` says where to go on. It never jumps: a partition that does not reach to where it is to be read
    is held, and so is one that `take` wants no more of, until `go_on`.
    """

    def __init__(
        self,
        connection: Connection,
        group: str,
        topics: Iterable[str],
        take: Take,
        forget: Forget,
        start_at: StartAt,
    ) -> None:
        broker = broker_for(connection)
        self._take = take
        self._forget = forget
        self._start_at = start_at
        self.held: set[TopicPartition] = set()
        """The assigned partitions of which nothing is read for now."""
        self._app = FastStream(broker, logger=None)
        self._subscriber = broker.subscriber(
            *topics,
            group_id=group,
            batch=True,
            max_records=POLL_RECORDS,
            batch_timeout_ms=POLL_MS,
            fetch_max_bytes=8 * FETCH_MAX_BYTES,
            max_partition_fetch_bytes=FETCH_MAX_BYTES,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=SESSION_TIMEOUT_MS // 4,
            auto_offset_reset="none",
            # Nothing is acknowledged: the position in Postgres is what counts.
            ack_policy=AckPolicy.MANUAL,
            listener=_Listener(self._revoked, self._assigned),
            parser=_as_it_came,
            decoder=_raw_records,
            no_reply=True,
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Join the group. Raises KafkaError."""
        await self._app.start()
        assert self._subscriber.consumer is not None
        self._poll_with_care(self._subscriber.consumer)

    async def stop(self) -> None:
        """Leave the group, once the batch at hand is written or `STOP_LIMIT_S` has passed."""
        await self._app.stop()

    def go_on(self, place: TopicPartition) -> None:
        """Read a held partition on, from where `start_at` says."""
        self.held.discard(place)
        consumer = self._subscriber.consumer
        if consumer is not None and place in consumer.assignment():
            consumer.seek(place, self._start_at(place))
            consumer.resume(place)

    def _hold(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
        self._forget([place])
        try:
            consumer.pause(place)
        except IllegalStateError:
            logging.getLogger(__name__).debug("%s is not assigned any more", place)
        else:
            self.held.add(place)

    def _assigned(self, places: Iterable[TopicPartition]) -> None:
        self._forget(places)
        consumer = self._subscriber.consumer
        assert consumer is not None
        for place in places:
            consumer.seek(place, self._start_at(place))

    def _revoked(self, places: Iterable[TopicPartition]) -> None:
        self._forget(places)
        self.held.difference_update(places)

    async def _handle(self, records: Batch) -> None:
        consumer = self._subscriber.consumer
        assert consumer is not None
        # Side by side: while Postgres writes one partition's rows, the next one's are made.
        async with asyncio.TaskGroup() as tasks:
            for place, of_place in itertools.groupby(records, _place):
                tasks.create_task(self._hand_over(consumer, place, list(of_place)))

    async def _hand_over(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, records: list[ConsumerRecord]
    ) -> None:
        next_offset = await self._take(place, records)
        if next_offset is None:
            self._hold(consumer, place)
        elif next_offset != records[-1].offset + 1:
            try:
                consumer.seek(place, next_offset)
            except IllegalStateError:
                logging.getLogger(__name__).debug("%s is not assigned any more", place)

    def _poll_with_care(self, consumer: AIOKafkaConsumer) -> None:
        """Let FastStream's polls past what they would stop at: a header that is not UTF-8, for good, and an
        offset out of range, of which nobody would be told.
        """
        plain = cast("AIOKafkaConsumer", _Plain(consumer))

        async def getmany(
            *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
        ) -> Records:
            try:
                return await fetch(plain, *partitions, timeout_ms=timeout_ms, max_records=max_records)
            except OffsetOutOfRangeError:
                for place in await _out_of_range(plain):
                    self._hold(consumer, place)
                return {}

        consumer.getmany = getmany


async def _out_of_range(consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    at = await positions(consumer)
    places = list(at)
    beginnings, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    return [place for place in places if not beginnings[place] <= at[place] <= ends[place]]


class _Plain:
    """The consumer as it was before `getmany` was replaced."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.getmany = consumer.getmany
        self._consumer = consumer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


def _place(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


async def _as_it_came(records: Batch) -> KafkaMessage:
    # FastStream's own parser decodes each header as UTF-8, and loses the batch when one is not; and it
    # would answer to whatever topic a header `reply_to` names.
    return KafkaMessage(raw_message=records, body=b"", consumer=_NOBODY)


async def _raw_records(message: KafkaMessage) -> Batch:
    assert isinstance(message.raw_message, tuple)
    return message.raw_message


class _Nobody:
    """Acknowledges nothing."""

    async def commit(self) -> None:
        """Never called: see `ack_policy`."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Never called."""


_NOBODY: Final = _Nobody()


class _Listener(ConsumerRebalanceListener):
    """Only notes what changed: heartbeats stop while it runs, and its exceptions are swallowed."""

    def __init__(self, revoked: Forget, assigned: Forget) -> None:
        self._revoked = revoked
        self._assigned = assigned

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        self._revoked(revoked)

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self._assigned(assigned)
