"""How long to wait after a failure, or after a slow answer."""

from typing import Final

FIRST_S: Final = 10.0
FACTOR: Final = 3.0
LONGEST_S: Final = 3_600.0
_STEPS_MAX: Final = 20
SLOW_S: Final = 2.0
REST_FACTOR: Final = 3.0


def wait_s(failures: int, chance: float) -> float:
    """Seconds until the next attempt. `failures` is at least 1; `chance` is from 0 to 1.

    10 s, 30 s, 90 s … up to an hour. `chance` shortens each by up to a half, so that targets that failed
    together are not all retried together.
    """
    full = min(FIRST_S * FACTOR ** min(failures - 1, _STEPS_MAX), LONGEST_S)
    return full * (0.5 + chance / 2)


def rest_s(took_s: float) -> float:
    """Seconds to leave a target alone after an attempt that took `took_s`, whatever its outcome.

    Three times as long, for attempts of two seconds or more. A target that is always slow, but never slow
    enough to fail, then occupies a sending slot for at most a quarter of the time.
    """
    return took_s * REST_FACTOR if took_s >= SLOW_S else 0.0
