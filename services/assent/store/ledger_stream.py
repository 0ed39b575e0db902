"""The ledger as a FastStream app: passes the runs of its partitions to a projector."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, cast

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from assent.store.ledger_consumer import Forget, LedgerConsumer, PartitionRun
from assent_contracts.client.connection import FETCH_MAX_BYTES, REQUEST_TIMEOUT_MS, Connection

POLL_RECORDS: Final = 25_000
POLL_MS: Final = 50
"""How long a poll waits; FastStream sleeps for the same time after a poll that returned nothing."""
SESSION_TIMEOUT_MS: Final = 10_000
STOP_LIMIT_S: Final = 3.0
"""How long a batch may take to end once the service is told to stop; after that it is rolled back."""
_START_ENDS_S: Final = 5.0

Runs = tuple[PartitionRun, ...]
"""The result of one poll: a run of each partition."""
TakeRecords = Callable[[TopicPartition, list[ConsumerRecord]], Awaitable[int | None]]
"""Handles one partition's records; returns the offset to read next, or None to stop reading for now."""
StartAt = Callable[[TopicPartition], int]
"""The offset from which to read a newly assigned partition."""


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
    # At info level it writes a line or two for each batch. Below its own logger, lines would not be JSON.
    logger = logging.getLogger(__name__)
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
    """A member of a consumer group that passes each partition's records to `take`, in offset order.

    FastStream runs it: the group, the polls, concurrent batches and an orderly stop. The group shares the
    partitions and stores no offsets. A new assignment starts where `start_at` returns, and `take` returns
    where to continue. When `take` returns None, the partition is held until `go_on`.
    """

    def __init__(
        self,
        connection: Connection,
        group: str,
        topics: Iterable[str],
        take: TakeRecords,
        forget: Forget,
        start_at: StartAt,
    ) -> None:
        self._broker = broker_for(connection)
        self._take = take
        self._forget = forget
        self._start_at = start_at
        self._app = FastStream(self._broker, logger=None)
        self._subscriber = self._broker.subscriber(
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
            # Nothing is acknowledged, because only the position in Postgres counts.
            ack_policy=AckPolicy.MANUAL,
            listener=_Listener(self._revoked, self._assigned),
            decoder=_runs,
            no_reply=True,
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Join the group. Raises KafkaError."""
        builder = await self._broker.connect()
        assert isinstance(builder, partial)
        self._broker.config.broker_config.builder = partial(
            LedgerConsumer, forget=self._forget, **builder.keywords
        )
        # aiokafka leaks its first connection if it is cancelled while starting, so let it finish.
        starting = asyncio.ensure_future(self._app.start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting], timeout=_START_ENDS_S)
            raise

    async def stop(self) -> None:
        """Leave the group once the current batch is written, or after `STOP_LIMIT_S`."""
        await self._app.stop()

    @property
    def held(self) -> frozenset[TopicPartition]:
        """The assigned partitions that are not read for now."""
        return frozenset() if self._subscriber.consumer is None else frozenset(self._consumer.held)

    def go_on(self, place: TopicPartition) -> None:
        """Read a held partition again, from where `start_at` returns."""
        if self._subscriber.consumer is not None:
            self._consumer.resume_at(place, self._start_at(place))

    @property
    def _consumer(self) -> LedgerConsumer:
        consumer = self._subscriber.consumer
        assert isinstance(consumer, LedgerConsumer)
        return consumer

    def _assigned(self, places: Iterable[TopicPartition]) -> None:
        self._forget(places)
        for place in places:
            self._consumer.seek(place, self._start_at(place))

    def _revoked(self, places: Iterable[TopicPartition]) -> None:
        self._forget(places)
        self._consumer.held.difference_update(places)

    async def _handle(self, runs: Runs) -> None:
        # Concurrently: while Postgres writes one partition's rows, the next one's are made.
        async with asyncio.TaskGroup() as tasks:
            for run in runs:
                tasks.create_task(self._hand_over(run.place, run.records))

    async def _hand_over(self, place: TopicPartition, records: list[ConsumerRecord]) -> None:
        consumer = self._consumer
        next_offset = await self._take(place, records)
        if next_offset is None:
            consumer.hold(place)
        elif next_offset != records[-1].offset + 1:
            consumer.continue_at(place, next_offset)


async def _runs(message: KafkaMessage) -> Runs:
    return cast("Runs", message.raw_message)


class _Listener(ConsumerRebalanceListener):
    """Only notes what changed, since heartbeats stop while it runs and its exceptions are swallowed."""

    def __init__(self, revoked: Forget, assigned: Forget) -> None:
        self._revoked = revoked
        self._assigned = assigned

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        self._revoked(revoked)

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self._assigned(assigned)
