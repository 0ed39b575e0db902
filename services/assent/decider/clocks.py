"""Whether the clocks behind log time agree: the broker's, and this machine's two. Pure.

A command is judged by the time at which the broker appended it, and the writer's own records by the wall
clock. If one of these is wrong, it is not known which, so nothing is decided until they agree.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from assent.observe.machine_clocks import Reading

APART_MS: Final = 5 * 60 * 1_000
"""How far two clocks may be apart, and how far a sender's clock may be ahead."""
STEP_MAX_MS: Final = 60 * 60 * 1_000
"""A larger step of the wall clock is not believed until a person confirms it, or until it is reversed.

The same holds for several steps within an hour, where nothing but the clock itself supports them.
"""


class SeenAppend(msgspec.Struct, frozen=True, gc=False):
    """An append: the broker's time of it, and the two steady clock readings between which it happened."""

    appended: int
    """The broker's time, ms since 1970."""
    after: int | None
    """The steady clock (ms) at a moment before the append; None when no such moment is known."""
    by: int
    """The steady clock (ms) at a moment after the append."""

    def ahead(self, offset: int) -> int:
        """By how much (ms) the broker's clock is ahead of the wall clock, at least. Negative: behind it.

        `offset`: from the steady clock to the wall clock as it is set now.
        """
        if self.appended > self.by + offset:
            return self.appended - self.by - offset
        if self.after is not None and self.appended < self.after + offset:
            return self.appended - self.after - offset
        return 0

    def agrees(self, offset: int) -> bool:
        """Whether the broker's clock agreed with the wall clock."""
        return abs(self.ahead(offset)) <= APART_MS

    def received_at(self, offset: int) -> int:
        """When it was received, ms since 1970: the broker's time, unless the clocks disagreed then.

        Where they disagreed: the nearest time that is possible by the wall clock, which is known to be right
        again.
        """
        return self.appended if self.agrees(offset) else self.appended - self.ahead(offset)


class Appends(msgspec.Struct, frozen=True, gc=False):
    """The appends of one poll, in offset order. No object for each, as most of them agree with the clock."""

    times: list[int]
    """The broker's time of each, ms since 1970."""
    afters: list[int | None]
    by: int
    """As in SeenAppend. `by` is the same for all."""

    def each(self) -> list[SeenAppend]:
        """The appends one by one."""
        return [SeenAppend(*them, self.by) for them in zip(self.times, self.afters, strict=True)]

    def possible(self, offset: int) -> list[int]:
        """When each was received, as far as the wall clock shows (see SeenAppend.received_at)."""
        if self._are_possible(offset):
            return self.times
        return [seen.received_at(offset) for seen in self.each()]

    def plainly_agree(self, offset: int, before: int | None) -> bool:
        """Whether a quick check shows that none of them is in doubt, because they are close together.

        `before`: when the append before them was received, ms since 1970.
        """
        if not self.times:
            return True
        if before is None or not self._are_possible(offset):
            return False
        earliest, latest = min(self.times), max(self.times)
        return latest - min(before, earliest) <= APART_MS and before - earliest <= APART_MS

    def _are_possible(self, offset: int) -> bool:
        """Whether a quick check shows that the clocks agreed for each of them."""
        if not self.times:
            return True
        after = self.afters[-1]
        if after is not None and min(self.times) < after + offset - APART_MS:
            return False
        return max(self.times) <= self.by + offset + APART_MS


NOTHING_SEEN: Final = Appends([], [], 0)
"""For a portion that came from no poll."""


def first_doubt(appends: Sequence[SeenAppend], offset: int, before: int | None) -> int | None:
    """The index of the first append whose time is not believed yet; None when all agree.

    `before`: when the previous append in the same partition was received.
    """
    for number, seen in enumerate(appends):
        if not seen.agrees(offset) or (before is not None and seen.appended < before - APART_MS):
            return number
        before = seen.appended
    return None


class WallClock:
    """Whether the wall clock is right, as far as can be known. One for each process.

    On a separate machine it is believed once a broker confirms it. Where the broker reads the same clock, it
    is believed for as long as it advances as time does.
    """

    def __init__(self, first: Reading, *, one_machine: bool, known: int | None = None) -> None:
        """`one_machine`: the broker reads the same clock, and so cannot confirm it.

        `known`: the offset that was right before, if this machine has not been restarted since.
        """
        self.one_machine: Final = one_machine
        self._offset = first.offset if known is None else known
        self._hour_from = (first.steady, self._offset)
        """When (steady clock), and with which offset, the hour began over which steps are added up."""
        self._borne_out: int | None = None
        self.disagrees: SeenAppend | None = None
        """The latest append for which the broker's time disagreed with the wall clock."""

    @property
    def is_borne_out(self) -> bool:
        """Whether there is a reason to believe the wall clock, and nothing contradicts it."""
        return self.one_machine or (self.disagrees is None and _near(self._borne_out, self._offset))

    def bear_out(self, seen: SeenAppend, offset: int) -> None:
        """Compare with an append on any broker, if its moment is known precisely enough."""
        if self.one_machine or seen.after is None or seen.by - seen.after > APART_MS:
            return
        self.disagrees = None if seen.agrees(offset) else seen
        if seen.agrees(offset):
            self._borne_out = offset

    def step(self, now: Reading, *, accepted: int | None = None) -> int:
        """By how much (ms) the wall clock has moved more or less than time; 0 when that is acceptable.

        `accepted`: the offset that a person has confirmed.
        """
        if _near(accepted, now.offset):
            self._offset = now.offset
            self._hour_from = (now.steady, now.offset)
            return 0
        if self.one_machine:
            return self._step_here(now)
        step = now.offset - self._offset
        if abs(step) <= APART_MS or _near(self._borne_out, now.offset):
            self._offset = now.offset
            return 0
        return step

    def _step_here(self, now: Reading) -> int:
        """On one machine, small steps are as bad as a large one, so those of an hour are added up."""
        began, offset = self._hour_from
        if now.steady - began >= STEP_MAX_MS and _near(self._offset, now.offset):
            self._hour_from = (now.steady, self._offset)
            offset = self._offset
        step = now.offset - offset
        if abs(step) > STEP_MAX_MS:
            return step
        self._offset = now.offset
        return 0

    def is_believed(self, reading: Reading) -> bool:
        """Whether an earlier reading was of the wall clock as it is believed now."""
        return self.is_borne_out and _near(self._offset, reading.offset)


def _near(offset: int | None, other: int) -> bool:
    return offset is not None and abs(offset - other) <= APART_MS
