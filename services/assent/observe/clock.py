"""This machine's two clocks: the one on the wall, which can be set, and one that only runs on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
# It runs on while the machine sleeps, so that a sleep is no step of the clock. Linux has it.
_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """Both clocks, read together."""

    wall: int
    """Milliseconds since 1970 in UTC."""
    steady: int
    """Milliseconds since some moment, such as when this machine was started."""

    @property
    def offset(self) -> int:
        """What turns the steady clock's time into the wall clock's, as that is set now. In ms."""
        return self.wall - self.steady


Clock = Callable[[], Reading]


def read_clock() -> Reading:
    """Both clocks now."""
    return Reading(wall=time.time_ns() // 1_000_000, steady=time.clock_gettime_ns(_STEADY) // 1_000_000)


def boot_id() -> str:
    """Which start of this machine the steady clock counts from; empty where the system does not say."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
