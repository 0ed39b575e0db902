"""Something that another publishes: fetched when it is needed, kept a while, never asked for in a flood."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

AGAIN_AFTER_S: Final = 5.0
"""At most one fetch in so many seconds beside the regular ones, whoever asks: strangers can make us look."""
STALE_S: Final = 60 * 60.0
"""What is this old is not used any more, even if nothing newer can be had."""

_T = TypeVar("_T")


class Cached(Generic[_T]):
    """One value of one origin. Many may ask at once: one of them fetches, the others wait for it."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[_T]],
        *,
        fresh_s: float,
        failures: type[Exception],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fresh_s`: how long the value goes without being fetched again; `failures`: what `fetch` raises."""
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._failures = failures
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: _T | None = None
        self._failure: Exception | None = None
        self._fetched_at = -math.inf
        self._forced_at = -math.inf

    async def get(self, *, again: bool = False) -> _T:
        """The value. `again`: the one that is kept lacks something, so look whether there is a newer one.

        Raises what the last fetch raised, when there is no value that still counts.
        """
        if self._is_wanted(again=again) and (self._lock.locked() or self._may_fetch()):
            async with self._lock:  # who comes while another fetches gets what that brings
                if self._is_wanted(again=again) and self._may_fetch():
                    await self._refresh(again=again)
        if self._value is not None and self._age() < STALE_S:
            return self._value
        assert self._failure is not None, "without a value that counts, the last fetch has failed"
        raise self._failure

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _is_wanted(self, *, again: bool) -> bool:
        return again or self._age() >= self._fresh_s

    def _may_fetch(self) -> bool:
        return self._clock() - self._forced_at >= AGAIN_AFTER_S

    async def _refresh(self, *, again: bool) -> None:
        if again:
            self._forced_at = self._clock()
        try:
            self._value = await self._fetch()
        except self._failures as error:
            # Nor is an origin that does not answer asked by everybody who waits.
            self._failure, self._forced_at = error, self._clock()
        else:
            self._failure, self._fetched_at = None, self._clock()
