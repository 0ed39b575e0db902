"""How long to wait after a failure, or after an answer that took long."""

from typing import Final

FIRST_S: Final = 10.0
FACTOR: Final = 3.0
LONGEST_S: Final = 3_600.0
_STEPS_MAX: Final = 20
SLOW_S: Final = 2.0
REST_FACTOR: Final = 3.0


def wait_s(failures: int, chance: float) -> float:
    """Seconds until the next attempt after so many failures, at least one; `chance` is 0 to 1.

    10 s, 30 s, 90 s … up to an hour, each shortened by up to a half: targets that failed together do not
    all come back together.
    """
    full = min(FIRST_S * FACTOR ** min(failures - 1, _STEPS_MAX), LONGEST_S)
    return full * (0.5 + chance / 2)


def rest_s(took_s: float) -> float:
    """Seconds to leave a target alone after an attempt that took so long, however it ended.

    Three times as long, from two seconds on: a target that is always slow, but never so slow that it fails,
    has one of the few places of a process for a quarter of the time at most.
    """
    return took_s * REST_FACTOR if took_s >= SLOW_S else 0.0
