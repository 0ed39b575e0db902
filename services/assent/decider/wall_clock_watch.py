"""Watches this machine's wall clock: one for the process, whatever it leads."""

from pathlib import Path

from assent.decider.clock_file import believed_offset, note_offset
from assent.decider.clocks import SeenAppend, WallClock
from assent.observe.machine_clocks import Clock, Reading, read_clock

_NOTED_AGAIN_MS = 1_000
"""A correct clock drifts; the note is updated after this much."""


class MachineClock:
    """Reads the clocks, and reports whether to believe the wall clock."""

    def __init__(self, clock: Clock = read_clock, file: Path | None = None) -> None:
        """`file`: the note of what the clock is believed to be, where the broker reads the same clock.

        Raises OSError.
        """
        self._clock = clock
        self._file = file
        self._noted = None if file is None else believed_offset(file)
        self._wall = WallClock(clock(), one_machine=file is not None, known=self._noted)

    @property
    def one_machine(self) -> bool:
        """Whether the broker reads the same clock, and so is right whenever this machine is."""
        return self._wall.one_machine

    def read(self) -> Reading:
        """Both clocks now."""
        return self._clock()

    def step(self) -> int:
        """By how much (ms) the wall clock has moved more or less than time; 0 when it is believed."""
        now = self._clock()
        step = self._wall.step(now)
        if step and self._file is not None:
            said = believed_offset(self._file)
            # The note that this process wrote does not cover a step that came after it.
            step = self._wall.step(now, accepted=None if said == self._noted else said)
        if not step and self._file is not None:
            self._note(self._file, now)
        return step

    @property
    def is_borne_out(self) -> bool:
        """Whether there is a reason to believe the wall clock."""
        return self._wall.is_borne_out

    @property
    def disagrees(self) -> SeenAppend | None:
        """The latest append for which the broker's time disagreed with the wall clock."""
        return self._wall.disagrees

    def is_believed(self, reading: Reading) -> bool:
        """Whether a reading was of the wall clock as it is believed now."""
        return self._wall.is_believed(reading)

    def bear_out(self, seen: SeenAppend) -> None:
        """Compare with an append, which may confirm the wall clock or contradict it."""
        self._wall.bear_out(seen, self._clock().offset)

    def _note(self, file: Path, now: Reading) -> None:
        if self._noted is None or abs(now.offset - self._noted) > _NOTED_AGAIN_MS:
            note_offset(file, now)
            self._noted = now.offset
