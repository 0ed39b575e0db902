"""This machine's two clocks: the wall clock, which can be set, and a steady one."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
# It also runs while the machine sleeps, so that a sleep does not look like a step. Linux has it.
_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """Both clocks, read together."""

    wall: int
    """Milliseconds since 1970 in UTC."""
    steady: int
    """Milliseconds since a fixed moment, such as the start of this machine."""

    @property
    def offset(self) -> int:
        """From the steady clock's time to the wall clock's as it is set now, in ms."""
        return self.wall - self.steady


Clock = Callable[[], Reading]


def read_clock() -> Reading:
    """Both clocks now."""
    return Reading(wall=time.time_ns() // 1_000_000, steady=time.clock_gettime_ns(_STEADY) // 1_000_000)


def boot_id() -> str:
    """Identifies the start of this machine that the steady clock counts from; empty where it is not known."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
