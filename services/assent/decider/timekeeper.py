"""When commands came, and what time it is, for one session. It waits while the clocks disagree."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from assent.decider.believed_times import put_right
from assent.decider.broker_time import ask_time
from assent.decider.clocks import APART_MS, Appends, SeenAppend, first_doubt
from assent.decider.seen_ends import SeenEnds
from assent.decider.wall_clock_watch import MachineClock
from assent.observe import metrics
from assent.observe.failure_reasons import clock_stepped, clocks_apart
from assent.observe.health import Health, Reason
from assent.observe.machine_clocks import Reading
from assent_contracts.client.connection import Connection, open_consumer

_ASK_EVERY_S: Final = 1.0
_NEWEST_MS: Final = 2_000
"""How long the newest record of a partition may take to be read."""
_ASK_AGAIN_MS: Final = 30_000
"""A broker that did not give the time is not asked again at once; deciding continues in the meantime."""
LOOK_EVERY_S: Final = 10.0
"""How often the partition's end is checked while commands come: far more often than APART_MS."""
_KEPT: Final = 2_000
"""How many appends before and after a portion it is compared with: as many as a poll has."""


class ClockReadingAtEnd(msgspec.Struct, frozen=True):
    """The clocks at one moment, and where the partition ended then: earlier appends are before that."""

    reading: Reading
    end: int


class Timekeeper:
    """Compares one partition's appends with this machine's clocks."""

    def __init__(
        self,
        connection: Connection,
        place: TopicPartition,
        name: str,
        machine: MachineClock,
        health: Health,
        *,
        before: Sequence[int] = (),
    ) -> None:
        """`name`: the partition's name in logs and metrics.

        `before`: when the latest decided commands were received, ms since 1970.
        """
        self._connection = connection
        self._place = place
        self._name = name
        self._condition = f"clocks-{name}"
        self._machine = machine
        self._health = health
        self._ends = SeenEnds()
        self._before = deque(before, _KEPT)
        """When the appends before the next portion came, ms since 1970, by the clocks alone."""
        self._last = before[-1] if before else None
        """When the last of them counts as received."""
        self._ahead: deque[tuple[Appends, asyncio.Event]] = deque()
        """What was read and is not decided yet. Each has an event that a poll after it has finished."""
        self._polled_on = asyncio.Event()
        """The event of the latest: set once a poll after it found something or nothing."""
        self._read_to = 0
        self._newest: SeenAppend | None = None
        self._ask_again_at = 0
        self._told: Reason | None = None
        self._log = structlog.get_logger().bind(partition=name)

    async def look(self, consumer: AIOKafkaConsumer) -> ClockReadingAtEnd | None:
        """The time now, and where the partition ends at that time; None while Kafka does not answer."""
        now = self._machine.read()
        try:
            end = (await consumer.end_offsets([self._place]))[self._place]
        except KafkaError as error:
            self._log.warning("the end of the partition is not known", error=repr(error))
            return None
        self._ends.note(end, now.steady)
        return ClockReadingAtEnd(now, end)

    async def keep_looking(self, consumer: AIOKafkaConsumer, every_s: float = LOOK_EVERY_S) -> None:
        """Look at intervals, until cancelled. While commands keep coming, nothing else looks."""
        while True:
            await asyncio.sleep(every_s)
            await self.look(consumer)

    def now(self, look: ClockReadingAtEnd | None) -> int | None:
        """The wall clock's time (ms) of a look; None where it is no longer believed."""
        believed = look is not None and self._machine.is_believed(look.reading)
        return look.reading.wall if look is not None and believed else None

    def seen(self, records: Sequence[ConsumerRecord]) -> Appends:
        """The appends of the records just polled. Call it for each poll, even an empty one."""
        self._polled_on.set()
        appends = self._appends(records)
        if records:
            self._polled_on = asyncio.Event()
            self._ahead.append((appends, self._polled_on))
            self._read_to = records[-1].offset + 1
        return appends

    def _appends(self, records: Sequence[ConsumerRecord]) -> Appends:
        by, after = self._machine.read().steady, self._ends.after
        times = [record.timestamp for record in records]
        if records and after(records[0].offset) == after(records[-1].offset):
            return Appends(times, [after(records[0].offset)] * len(times), by)
        return Appends(times, [after(record.offset) for record in records], by)

    def acknowledged(self, appended: int, after: int, by: int) -> None:
        """Note the broker's time of an append of the writer's own (see SeenAppend)."""
        self._machine.bear_out(SeenAppend(appended, after, by))

    async def received_at(self, appends: Appends) -> list[int]:
        """When each of the appends was received, ms since 1970. Waits while the clocks disagree.

        Appends come in offset order, and each has been `seen` once. Raises KafkaError.
        """
        if appends.times:
            await self._read_on(appends)
        if not self._machine.is_borne_out and self._machine.read().steady >= self._ask_again_at:
            await self._ask_broker()
        while (doubt := self._doubt(appends)) is not None:
            self._tell(doubt)
            await self._ask_broker()
            if not await self._ask_newest():
                await asyncio.sleep(_ASK_EVERY_S)
        self._tell(None)
        # The broker's clock at this time does not matter to the next doubt.
        self._newest = None
        return self._put_right(appends, self._machine.read().offset)

    def stop(self) -> None:
        """End of the session: clear any doubt that was reported."""
        self._tell(None)

    async def _read_on(self, appends: Appends) -> None:
        """Wait for the records that follow these, if they are already there and may matter."""
        _, polled_on = self._ahead.popleft()
        if self._read_to < self._ends.latest and not appends.plainly_agree(
            self._machine.read().offset, self._last
        ):
            await polled_on.wait()

    def _put_right(self, appends: Appends, offset: int) -> list[int]:
        if not appends.times:
            return []
        if appends.plainly_agree(offset, self._last):
            self._before.extend(appends.times)
            self._last = appends.times[-1]
            return appends.times
        # A time after now is known to be wrong.
        now = appends.by + offset
        before = [time for time in self._before if time <= now + APART_MS]
        behind = [time for each, _ in self._ahead for time in each.possible(offset)][:_KEPT]
        these = appends.possible(offset)
        received = put_right([*before, *these, *behind])[len(before) :][: len(these)]
        # Kept as they came. Otherwise a wrong choice would confirm itself for ever.
        self._before = deque([*before, *these], _KEPT)
        self._last = received[-1]
        return received

    def _doubt(self, appends: Appends) -> Reason | None:
        step = self._machine.step()
        now = self._machine.read()
        if step:
            metrics.CLOCKS_APART.labels(self._name).set(abs(step) / 1_000)
            return clock_stepped(step, now.wall, one_machine=self._machine.one_machine)
        if self._machine.one_machine:
            # The broker reads the clock that is right. The times it gave while that was wrong are corrected
            # below.
            return None
        newest = self._newest
        if not appends.plainly_agree(now.offset, self._last):
            each = appends.each()
            number = first_doubt(each, now.offset, self._last)
            if number is not None and (newest is None or not newest.agrees(now.offset)):
                return self._apart(each[number], now)
        other = self._machine.disagrees
        return None if other is None or other.agrees(now.offset) else self._apart(other, now)

    def _apart(self, seen: SeenAppend, now: Reading) -> Reason:
        metrics.CLOCKS_APART.labels(self._name).set(abs(seen.ahead(now.offset)) / 1_000)
        return clocks_apart(seen.appended, seen.by + now.offset)

    def _tell(self, doubt: Reason | None) -> None:
        if doubt is None:
            if self._told is not None:
                self._log.info("the clocks agree again")
                metrics.CLOCKS_APART.labels(self._name).set(0)
                self._health.ready(self._condition)
                self._told = None
            return
        if self._told is None:
            self._log.error("deciding nothing", why=doubt.why, todo=doubt.todo)
        self._told = doubt
        self._health.not_ready(self._condition, doubt)

    async def _ask_broker(self) -> None:
        """Ask a broker for the time."""
        if self._machine.one_machine:
            return
        why = "assent.heads keeps the sender's time, not the broker's"
        try:
            seen = await ask_time(self._connection, self._machine)
        except (KafkaError, TimeoutError) as error:
            seen, why = None, repr(error)
        if seen is None:
            self._ask_again_at = self._machine.read().steady + _ASK_AGAIN_MS
            self._log.warning("no broker gives the time", error=why)
            return
        self._machine.bear_out(seen)

    async def _ask_newest(self) -> bool:
        """Whether there is a newer append than was known, which shows the broker's clock now."""
        consumer = await open_consumer(self._connection, {self._place: 0})
        try:
            asked = self._machine.read().steady
            end = (await consumer.end_offsets([self._place]))[self._place]
            self._ends.note(end, asked)
            if end == 0:
                return False
            consumer.seek(self._place, end - 1)
            found = (await consumer.getmany(self._place, timeout_ms=_NEWEST_MS)).get(self._place, ())
        finally:
            await consumer.stop()
        if not found:
            return False
        is_new = self._newest is None or found[-1].timestamp != self._newest.appended
        self._newest = SeenAppend(
            found[-1].timestamp, self._ends.after(found[-1].offset), self._machine.read().steady
        )
        return is_new
