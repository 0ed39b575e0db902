"""Arrival times of commands when a broker's clock was briefly wrong while no decider was running."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent.decider.timekeeper import Timekeeper
from assent.decider.wall_clock_watch import MachineClock
from assent.observe.health import Health
from assent.observe.machine_clocks import Reading
from assent_contracts.client.connection import Connection
from assent_contracts.topics import COMMANDS

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z: the first command. All later times are in ms from here."""
PLACE = TopicPartition(COMMANDS, 0)
OFF = [-2 * DAY_MS, 36 * HOUR_MS]
"""How far a broker was wrong."""


class Hands:
    """The clocks of a machine, which are right."""

    def __init__(self) -> None:
        self.now = 3 * DAY_MS

    def __call__(self) -> Reading:
        return Reading(wall=NOON + self.now, steady=self.now)


class Ending:
    """A consumer that only reports the end of its partition."""

    def __init__(self, end: int) -> None:
        self._end = end

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._end)


class Polls:
    """A decider that starts after three days, on the machine on which the broker runs."""

    def __init__(self, folder: Path, *, before: Sequence[int] = ()) -> None:
        self.hands = Hands()
        machine = MachineClock(self.hands, folder / "clock.json")
        seed = [NOON + time for time in before]
        self.time = Timekeeper(Connection(bootstrap=""), PLACE, "0", machine, Health(), before=seed)
        self.offset = 0

    async def ends(self, end: int) -> None:
        """The partition is seen to end there."""
        assert await self.time.look(cast("AIOKafkaConsumer", Ending(end))) is not None

    def poll(self, times: Sequence[int]) -> "asyncio.Task[list[int]]":
        """Read these commands, which are received when they are decided."""
        appends = self.time.seen([self._record(NOON + time) for time in times])

        async def received() -> list[int]:
            return [time - NOON for time in await self.time.received_at(appends)]

        return asyncio.create_task(received())

    def _record(self, timestamp: int) -> ConsumerRecord:
        self.offset += 1
        at = self.offset - 1
        return ConsumerRecord(COMMANDS, 0, at, timestamp, 1, b"", b"", None, 0, 0, ())


@pytest.mark.parametrize("off", OFF)
@pytest.mark.parametrize("before", [(), (-MINUTE_MS,), (-9 * DAY_MS,), (2 * DAY_MS,), (9 * DAY_MS,)])
async def test_command_dated_wrongly_while_the_decider_was_down_came_when_its_neighbours_did(
    tmp_path: Path, off: int, before: Sequence[int]
) -> None:
    """Whatever is known of the one before them, which may be wrong itself."""
    polls = Polls(tmp_path, before=before)
    times = [HOUR_MS, HOUR_MS + MINUTE_MS + off, HOUR_MS + 2 * MINUTE_MS]
    first, wrong, last = await polls.poll(times)
    assert (first, last) == (times[0], times[2])
    assert first <= wrong <= last


async def test_under_constant_load_a_command_dated_behind_came_when_its_neighbours_did(
    tmp_path: Path,
) -> None:
    """The end was last seen twenty minutes before."""
    polls = Polls(tmp_path)
    now = polls.hands.now
    polls.hands.now -= 20 * MINUTE_MS
    await polls.ends(0)
    polls.hands.now = now + 3_000
    first, wrong, last = await polls.poll([now, now - 2 * HOUR_MS, now + 2_000])
    assert (first, last) == (now, now + 2_000)
    assert first <= wrong <= last


@pytest.mark.parametrize("off", [-2 * HOUR_MS, 2 * HOUR_MS])
async def test_command_that_is_dated_wrongly_now_came_when_it_can_have_come(tmp_path: Path, off: int) -> None:
    polls = Polls(tmp_path)
    now = polls.hands.now
    assert await polls.poll([now - 1_000]) == [now - 1_000]
    await polls.ends(1)
    polls.hands.now = now + 1_000
    (wrong,) = await polls.poll([now + off])
    assert now <= wrong <= now + 1_000


@pytest.mark.parametrize("size", [20, 2])
@pytest.mark.parametrize("off", OFF)
async def test_records_after_a_poll_reveal_what_was_wrong_at_its_end(
    tmp_path: Path, off: int, size: int
) -> None:
    """In a backlog, as many records as were wrong are read before they end."""
    polls = Polls(tmp_path)
    times = [HOUR_MS + number * 1_000 for number in range(40)]
    said = [time + off if 16 <= number < 24 else time for number, time in enumerate(times)]
    await polls.ends(len(times))
    first = polls.poll(said[:size])
    await asyncio.sleep(0)
    assert not first.done()
    others = [polls.poll(said[number : number + size]) for number in range(size, len(times), size)]
    right = [time for each in (first, *others) for time in await each]
    assert right[:16] == times[:16]
    assert right[24:] == times[24:]
    assert all(times[15] <= time <= times[24] for time in right[16:24])


async def test_record_that_nothing_follows_is_not_waited_for(tmp_path: Path) -> None:
    """A transaction marker at the end of a partition is never delivered."""
    polls = Polls(tmp_path)
    await polls.ends(9)
    first = polls.poll([HOUR_MS, 2 * HOUR_MS])
    await asyncio.sleep(0)
    assert not first.done()
    polls.time.seen([])
    async with asyncio.timeout(5):
        assert await first == [HOUR_MS, 2 * HOUR_MS]
        second = polls.poll([3 * HOUR_MS])
        polls.time.seen([])
        assert await second == [3 * HOUR_MS]


@pytest.mark.parametrize("size", [6, 1])
async def test_believed_wrong_times_are_outvoted_by_more_right_ones_after_them(
    tmp_path: Path, size: int
) -> None:
    """At the end of the partition nothing contradicts a broker that is ahead, as long as that may be true."""
    polls = Polls(tmp_path)
    ahead = [MINUTE_MS, *[DAY_MS + number for number in range(5)]]
    assert await polls.poll(ahead) == ahead
    right = [2 * MINUTE_MS + number * 1_000 for number in range(12)]
    received: list[int] = []
    for number in range(0, 12, size):
        received += await polls.poll(right[number : number + size])
    assert received[6:] == right[6:]
    assert size == 1 or received == right


async def test_burst_at_the_beginning_of_a_backlog_is_corrected_by_earlier_decisions(
    tmp_path: Path,
) -> None:
    """As after a power failure: the decider is down, and the broker's clock is behind until it is set."""
    polls = Polls(tmp_path, before=range(0, 10_000, 1_000))
    right = await polls.poll([*[HOUR_MS - 2 * DAY_MS] * 9, HOUR_MS, 2 * HOUR_MS])
    assert all(9_000 <= time <= HOUR_MS for time in right[:9])
    assert right[9:] == [HOUR_MS, 2 * HOUR_MS]


@pytest.mark.parametrize("ahead", [DAY_MS, 31 * DAY_MS])
async def test_command_that_arrives_now_counts_as_now_although_earlier_ones_were_dated_ahead(
    tmp_path: Path, ahead: int
) -> None:
    """Both clocks were wrong and have been corrected."""
    polls = Polls(tmp_path)
    polls = Polls(tmp_path, before=[polls.hands.now + ahead - number for number in range(64, 0, -1)])
    for _ in range(3):
        await polls.ends(polls.offset)
        polls.hands.now += MINUTE_MS
        assert await polls.poll([polls.hands.now]) == [polls.hands.now]
