"""Project ledger partitions into Postgres: each accepted record's rows once, even with several instances.

The rows and the position change in one transaction, provided that the position is where this instance expects
it. After any failure, here or there, do the same: forget what was kept in memory, read the position again and
continue from it. Nothing is skipped and nothing is projected twice.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import asyncpg
import stamina
import structlog
from aiokafka import ConsumerRecord, TopicPartition

from assent.observe import metrics, traces
from assent.observe.health import Health
from assent.observe.lag import Lag
from assent.store.log_watch import LogWatch
from assent.store.partition_intake import PartitionIntake
from assent.store.pool import PostgresConnection
from assent.store.positions import OvertakenError, Reader, advance_position, read_position
from assent.store.postgres_reasons import reason
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.spans import is_on
from assent_contracts.eras import era_of
from assent_contracts.heads import HeadInEra
from assent_contracts.topics import ledger_of

_RETRY_MAX_S: Final = 5.0

Write = Callable[[PostgresConnection, TopicPartition, Sequence[Accepted]], Awaitable[None]]
"""Writes the rows of accepted records, in order, inside the caller's transaction."""


class Projector:
    """One reader's projection of some ledger partitions."""

    def __init__(
        self,
        reader: Reader,
        pool: asyncpg.Pool,
        governance: GovernanceFollower,
        write: Write,
        health: Health,
        watch: LogWatch,
    ) -> None:
        """`pool` acts in the reader's role; `governance` has been started; `watch` has looked."""
        self._reader: Reader = reader
        self._pool = pool
        self._governance = governance
        self._write = write
        self._health = health
        self._watch = watch
        self._intakes: dict[TopicPartition, PartitionIntake] = {}
        self.lag: Final = Lag()
        self._log = structlog.get_logger()

    def forget(self, places: Iterable[TopicPartition]) -> None:
        """Drop what is kept in memory: the partitions may belong to another instance now."""
        places = tuple(places)
        self._forget(places)
        self.lag.forget(places)

    def _forget(self, places: Iterable[TopicPartition]) -> None:
        for place in places:
            self._intakes.pop(place, None)

    async def take(self, place: TopicPartition, records: Sequence[ConsumerRecord]) -> int | None:
        """Project consecutive records; returns the offset to read next.

        None while this is not the log that the tables were made from: then nothing is projected.

        The next offset is the one after the last record, unless these are not the records that the partition
        needs. Waits for Postgres and Kafka for as long as it takes, and never gives up a record.
        """
        condition = f"{place.topic}/{place.partition}"
        async for attempt in stamina.retry_context(
            # Any error: nothing continues without this batch, and the next attempt starts from the beginning.
            on=Exception,
            attempts=None,
            timeout=None,
            wait_max=_RETRY_MAX_S,
        ):
            with attempt:
                try:
                    next_offset = await self._take_once(place, records)
                except BaseException as error:
                    self._forget([place])
                    self._health.not_ready(condition, reason(error))
                    raise
                self._health.ready(condition)
                return next_offset
        raise AssertionError

    async def _take_once(self, place: TopicPartition, records: Sequence[ConsumerRecord]) -> int | None:
        if self._watch.differs(place):
            self.forget([place])
            return None
        started = time.perf_counter()
        intake = self._intakes.get(place) or await self._begin(place)
        if not intake.follows(records):
            return intake.expected
        accepted = await intake.take(records)
        self._tell_quarantined(intake, records)
        if accepted:
            try:
                await self._commit(intake, accepted)
            except OvertakenError:
                self._log.info("overtaken", ledger=place.topic, partition=place.partition)
                self._forget([place])
                return (await self._begin(place)).expected
            self._tell(intake, accepted, time.perf_counter() - started)
        self.lag.read(place, intake.expected)
        return intake.expected

    async def _begin(self, place: TopicPartition) -> PartitionIntake:
        async with self._pool.acquire() as connection:
            start = first_head(ledger_of(place.topic), self._governance.identity)
            era = era_of(self._governance.losses)
            head = await read_position(connection, self._reader, place, HeadInEra(start, era))
        intake = PartitionIntake(place, head, self._governance)
        self._intakes[place] = intake
        self.lag.read(place, intake.expected)
        return intake

    async def _commit(self, intake: PartitionIntake, accepted: Sequence[Accepted]) -> None:
        read = intake.read
        began_ns = time.time_ns()
        async with self._pool.acquire() as connection, connection.transaction():
            await advance_position(connection, self._reader, intake.place, intake.durable, read)
            await self._write(connection, intake.place, accepted)
        if is_on():
            traces.project(self._reader, *intake.place, accepted, began_ns)
        intake.durable = read.head

    def _tell_quarantined(self, intake: PartitionIntake, records: Sequence[ConsumerRecord]) -> None:
        quarantined = intake.newly_quarantined()
        if quarantined:
            place = intake.place
            metrics.QUARANTINED.labels(place.topic, str(place.partition)).inc(quarantined)
            self._log.warning(
                "quarantined",
                ledger=place.topic,
                partition=place.partition,
                records=quarantined,
                first_offset=records[0].offset,
                last_offset=records[-1].offset,
            )

    def _tell(self, intake: PartitionIntake, accepted: Sequence[Accepted], took_s: float) -> None:
        place, last_seq = intake.place, accepted[-1].record.seq
        labels = (place.topic, str(place.partition))
        metrics.PROJECTED.labels(*labels).inc(len(accepted))
        metrics.PROJECTED_SEQ.labels(*labels).set(last_seq)
        metrics.PROJECT_SECONDS.observe(took_s)
        self._log.info(
            "projected",
            ledger=place.topic,
            partition=place.partition,
            first_seq=accepted[0].record.seq,
            last_seq=last_seq,
            records=len(accepted),
            took_ms=round(took_s * 1_000, 2),
        )
