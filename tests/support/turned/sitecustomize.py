"""Loaded by every Python that has this folder on its PYTHONPATH: its clock on the wall can be turned.

It is as many milliseconds ahead as the file says that ASSENT_TEST_CLOCK names. The clocks that only run on
are left alone, as where somebody sets a machine's clock.
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
