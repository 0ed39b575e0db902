"""A machine's wall clock, as all of Assent's processes on it read it, set by a test."""

from pathlib import Path
from typing import Final

from assent_contracts.client.publisher import now_ms

_FOLDER: Final = Path(__file__).with_name("adjustable_clock_site")


class MachineClock:
    """Processes started with `env` read this clock; Kafka and Postgres read the right one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.env: Final = {"PYTHONPATH": str(_FOLDER), "ASSENT_TEST_CLOCK": str(file)}
        self.turn(0)

    def turn(self, ahead_ms: int) -> None:
        """Set it this far ahead of the right time, at once for all."""
        beside = self._file.with_suffix(".new")
        beside.write_text(str(ahead_ms))
        beside.replace(self._file)
        self.ahead_ms = ahead_ms

    @property
    def now(self) -> int:
        """Its time, in ms since 1970."""
        return now_ms() + self.ahead_ms
