"""Decide one partition's commands, from a takeover until another writer's run is accepted or Kafka fails."""

import asyncio
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from assent.decider.clocks import NOTHING_SEEN, Appends
from assent.decider.decision_spans import DecisionSpans
from assent.decider.missing_log_parts import MissingError
from assent.decider.session_inputs import SessionInputs
from assent.decider.signature_checker import SignatureChecker
from assent.decider.snapshot_taking import SnapshotTaking
from assent.decider.stopped_error import StoppedError
from assent.decider.timekeeper import ClockReadingAtEnd, Timekeeper
from assent.decider.until_one_ends import until_one_ends
from assent.ledger.appender import NO_TRACES, Appender, LostLeadError
from assent.observe import metrics
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.record_fetching import positions
from assent_contracts.client.spans import is_on
from assent_contracts.commands import command_type
from assent_contracts.core.received import Envelope, Omitted, open_envelope
from assent_contracts.core.writer.desk import OwnRecord
from assent_contracts.core.writer.writer import Incoming, LinkedDecision, PartitionWriter
from assent_contracts.findings import compare_input
from assent_contracts.heads import Found

POLL_RECORDS = 2_000
POLL_MS = 500
"""The longest that a poll waits, and so how late an expiry may be written."""
PORTION_BYTES = 2 * 1024 * 1024
"""How much is decided before other tasks get a turn; a compressed batch may be a thousand times as large."""
_AHEAD = 2


class Portion(msgspec.Struct, frozen=True):
    """A part of what was polled, with the answers of the signature check, which may still be running."""

    records: Sequence[ConsumerRecord]
    envelopes: Sequence[Envelope | Omitted]
    keys: Sequence[bytes | None]
    """The key that each signature is checked with."""
    good: asyncio.Future[list[bool]]
    appends: Appends
    """The broker's times of the records."""
    end: int
    """The offset of the first record that is not in a portion up to this one."""
    look: ClockReadingAtEnd | None
    """The time, if it may make something due."""


class Session:
    """One term of one writer on one partition. It moves bytes; the writer decides."""

    def __init__(
        self,
        around: SessionInputs,
        writer: PartitionWriter[Any],
        appender: Appender,
        consumer: AIOKafkaConsumer,
        checker: SignatureChecker,
        time: Timekeeper,
        snapshots: SnapshotTaking | None = None,
    ) -> None:
        """The consumer is at `writer.next_input` of `around.place`, and the writer's term has begun."""
        self._around = around
        self._writer = writer
        self._appender = appender
        self._consumer = consumer
        self._checker = checker
        self._time = time
        self._snapshots = snapshots
        self._handed_over = writer.next_input
        self._received: asyncio.Queue[Portion] = asyncio.Queue(_AHEAD)
        self._to_read = writer.next_input
        self._spans = DecisionSpans(around.place.topic, around.name) if is_on() else None
        # Chosen once, so that a decision costs nothing more where there are no traces.
        self._decide_one = self._decide_untraced if self._spans is None else self._decide_traced
        self._log = structlog.get_logger().bind(partition=around.name, epoch=writer.epoch)

    async def run(self) -> None:
        """Decide until cancelled.

        After LostLeadError, KafkaError or TimeoutError, start over. Also raises NotFollowingError and
        StoppedError.
        """
        # What comes after this end was not there before. This bounds the time at which it came.
        await self._time.look(self._consumer)
        await until_one_ends(
            self._take_in(),
            self._wake(),
            self._time.keep_looking(self._consumer),
            self._decide_all(),
            self._appender.keep_confirming(),
        )

    async def _take_in(self) -> None:
        place = self._around.place
        while True:
            fetched = await self._consumer.getmany(place, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            records = fetched.get(place)
            end = (await positions(self._consumer, place)).get(place, self._handed_over)
            metrics.UNDECIDED.labels(self._around.name).set(self._undecided())
            if records is None:
                # The time is only asked for when nothing comes: records carry their own.
                await self._hand_over([], end=end, look=await self._time.look(self._consumer))
                continue
            for portion in portions(records):
                self._check_order(portion)
                await self._hand_over(portion, end=portion[-1].offset + 1)

    def _undecided(self) -> int:
        newest = self._consumer.highwater(self._around.place)
        return 0 if newest is None else max(0, newest - self._writer.next_input)

    def _check_order(self, records: Sequence[ConsumerRecord]) -> None:
        """Raises MissingError: a consumer whose position was deleted restarts at the first record left."""
        for record in records:
            if record.offset < self._to_read:
                place = self._around.place
                finding = compare_input(
                    place.topic,
                    place.partition,
                    next_input=self._to_read,
                    decided_sha256=None,
                    found=Found(beginning=0, end=record.offset),
                )
                assert finding is not None
                raise MissingError(finding)
            self._to_read = record.offset + 1

    async def _wake(self) -> None:
        """Do not let what another ledger makes due wait for the end of the next poll."""
        while True:
            await self._around.news()
            await self._hand_over([], look=await self._time.look(self._consumer), polled=False)

    async def _hand_over(
        self,
        records: Sequence[ConsumerRecord],
        *,
        end: int = 0,
        look: ClockReadingAtEnd | None = None,
        polled: bool = True,
    ) -> None:
        """`end`: the offset of the first record that is neither in `records` nor was handed over before.

        `polled`: whether this is the result of a poll, which may be empty.
        """
        appends = self._time.seen(records) if polled else NOTHING_SEEN
        await self._around.catch_up()
        desk = self._writer.desk
        envelopes = [open_envelope(record.value, record.key, record.headers) for record in records]
        keys = [None if isinstance(each, Omitted) else desk.signing_key(each) for each in envelopes]
        # Not awaited here: the next commands are read while signatures are checked.
        good = self._checker.check(envelopes, keys)
        end = max(end, self._handed_over)
        await self._received.put(Portion(records, envelopes, keys, good, appends, end, look))
        self._handed_over = max(end, self._handed_over)

    async def _decide_all(self) -> None:
        while True:
            portion = await self._received.get()
            good = await portion.good
            # Waits while the clocks disagree. Until then nothing is decided and nothing expires.
            received = await self._time.received_at(portion.appends)
            started = perf_counter()
            first = self._writer.seq + 1
            if self._spans is not None:
                self._spans.receive(portion.records)
            refused = await self._decide(portion, good, received)
            await self._record_due(self._time_after(portion))
            await self._send()
            if received:
                metrics.DECISION_SECONDS.observe(max(0.0, (now_ms() - received[0]) / 1_000))
            await self._take_snapshot()
            if self._writer.seq >= first:
                self._tell(portion, first, refused, perf_counter() - started)
            # The queue may hold more. Health, heartbeats and other partitions get a turn in between.
            await asyncio.sleep(0)

    def _time_after(self, portion: Portion) -> int | None:
        """A time (ms) before which everything that came is decided; None where no such time is believed."""
        look = portion.look
        return self._time.now(look) if look is not None and look.end <= portion.end else None

    async def _record_due(self, now: int | None) -> None:
        due = self._writer.record_due(now)
        while self._next_due(due):
            if self._writer.is_full:
                await self._send()
        await self._end_if_retired()

    def _next_due(self, due: Iterator[OwnRecord]) -> bool:
        try:
            own = next(due, None)
        except Exception as error:
            raise StoppedError(self._around.place.topic, None) from error
        for event in () if own is None else own.events:
            metrics.OWN_RECORDS.labels(self._around.name, command_type(event)).inc()
        return own is not None

    async def _decide(self, portion: Portion, answers: Sequence[bool], received: Sequence[int]) -> int:
        refused = 0
        for record, envelope, key, good, received_at in zip(
            portion.records, portion.envelopes, portion.keys, answers, received, strict=True
        ):
            if self._writer.is_retired:
                await self._end_if_retired()
            if self._writer.desk.has_deadline(received_at):
                await self._record_due(received_at)
            decided = self._decide_one(Incoming(record.offset, received_at, envelope, key, good))
            if decided.refusal is not None:
                refused += 1
                metrics.DECISIONS.labels(self._around.name, decided.refusal.code).inc()
                self._tell_odd(record, decided)
            if self._writer.is_full:
                await self._send()
        metrics.DECISIONS.labels(self._around.name, "").inc(len(portion.records) - refused)
        return refused

    def _decide_traced(self, incoming: Incoming) -> LinkedDecision:
        assert self._spans is not None, "there are traces"
        decided = self._decide_untraced(incoming)
        self._spans.decided(incoming, decided, self._writer.seq)
        return decided

    def _decide_untraced(self, incoming: Incoming) -> LinkedDecision:
        try:
            return self._writer.decide(incoming)
        except Exception as error:
            # After a record on which the rules fail, the state is not known. So it is not skipped.
            raise StoppedError(self._around.place.topic, incoming.offset) from error

    async def _end_if_retired(self) -> None:
        """Raises LostLeadError once the key is retired: what it sealed before is sent, and nothing after."""
        if self._writer.is_retired:
            await self._send()
            await self._appender.flush()
            raise LostLeadError(f"{self._around.name}: this writer's key was retired")

    async def _send(self) -> None:
        batch = self._writer.take_batch()
        if batch is not None:
            await self._appender.append(batch, NO_TRACES if self._spans is None else self._spans.headers())
            if self._spans is not None:
                self._spans.sent()
            if self._snapshots is not None:
                self._snapshots.passed(batch)

    async def _take_snapshot(self) -> None:
        """Take one if it is due. Everything that was decided has been sent, so it is the confirmed state."""
        if self._snapshots is not None and self._snapshots.is_due:
            await self._appender.flush()
            self._snapshots.take(self._appender.confirmed)

    def _tell_odd(self, record: ConsumerRecord, decided: LinkedDecision) -> None:
        """Log what was not kept, so that a person can find it."""
        if decided.unreadable is not None:
            self._log.error("reading failed", input=record.offset, exc_info=decided.unreadable)
        if decided.omitted is not None:
            self._log.warning(
                "omitted",
                input=record.offset,
                sha256=decided.omitted.sha256,
                size=decided.omitted.size,
                code=None if decided.refusal is None else decided.refusal.code,
            )

    def _tell(self, portion: Portion, first: int, refused: int, took_s: float) -> None:
        metrics.DECIDE_SECONDS.observe(took_s)
        self._around.measure()
        self._log.info(
            "decided",
            commands=len(portion.records),
            refused=refused,
            first_seq=first,
            last_seq=self._writer.seq,
            last_input=portion.records[-1].offset if portion.records else None,
            governance=self._writer.desk.governance.seq,
            took_ms=round(took_s * 1_000, 2),
        )


def portions(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """The records in portions of about PORTION_BYTES and at most POLL_RECORDS; at least one portion."""
    first = size = 0
    for number, record in enumerate(records, start=1):
        size += len(record.value or b"") + len(record.key or b"")
        if size > PORTION_BYTES or number - first >= POLL_RECORDS:
            yield records[first:number]
            first, size = number, 0
    if first < len(records) or not records:
        yield records[first:]
