"""Loaded by every Python that has this folder on its PYTHONPATH: makes its wall clock adjustable.

The clock is ahead by the milliseconds in the file that ASSENT_TEST_CLOCK names. Monotonic clocks are not
changed, as when a person sets a machine's clock.
"""

import os
import time
from pathlib import Path


def _turn(file: Path) -> None:
    right = time.time_ns

    def time_ns() -> int:
        return right() + int(file.read_text()) * 1_000_000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


_turn(Path(os.environ["ASSENT_TEST_CLOCK"]))
