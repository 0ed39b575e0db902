"""A limit on the requests that one principal or one address may send to this gateway."""

import math
import time
from collections import Counter
from typing import Final

from assent.gateway.problems import Problem

_BURST_S: Final = 10
"""The window of the limit, because people click in bursts."""


class RequestRates:
    """Counts per principal, in this process. Gateways share no memory, so two allow twice as much.

    These are a few lines instead of a library, because `limits` starts a thread for each window that it
    counts in memory, and that was the largest part of a request's cost.
    """

    def __init__(self, per_second: int) -> None:
        self._most = per_second * _BURST_S
        self._window = 0
        self._spent: Counter[str] = Counter()

    def spend(self, principal: str) -> None:
        """Count one request. Raises Problem when there are too many."""
        now = self._turn()
        self._spent[principal] += 1
        if self._spent[principal] > self._most:
            raise self._too_many(principal, now)

    def refuse_spent(self, principal: str) -> None:
        """Raises Problem when one more would be too many. Counts nothing."""
        now = self._turn()
        if self._spent[principal] >= self._most:
            raise self._too_many(principal, now)

    def _turn(self) -> float:
        now = time.monotonic() / _BURST_S
        if int(now) != self._window:
            self._window = int(now)
            self._spent.clear()
        return now

    def _too_many(self, principal: str, now: float) -> Problem:
        left_s = math.ceil((self._window + 1 - now) * _BURST_S)
        return Problem(
            429,
            "too-many-requests",
            f"{principal} has sent more than {self._most:,} requests in {_BURST_S} s.",
            todo="Wait the number of seconds in Retry-After, then send it again.",
            headers={"Retry-After": str(max(1, left_s))},
        )
