"""A document that another party publishes: fetched on demand, kept for a while, at a limited rate."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

AGAIN_AFTER_S: Final = 5.0
"""At most one extra fetch in so many seconds, because strangers can cause them."""
STALE_S: Final = 60 * 60.0
"""A value of this age is no longer used, even if no newer one is available."""

_T = TypeVar("_T")


class CachedValue(Generic[_T]):
    """One value of one origin. Of concurrent callers, one fetches it and the others wait."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[_T]],
        *,
        fresh_s: float,
        failures: type[Exception],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fresh_s`: how long the value is used before it is fetched again; `failures`: errors of `fetch`."""
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
        """The value. `again`: the kept value lacks something, so check whether there is a newer one.

        Raises what the last fetch raised, if there is no value that is still valid.
        """
        if self._is_wanted(again=again) and (self._lock.locked() or self._may_fetch()):
            async with self._lock:  # a caller that waits for a fetch gets its result
                if self._is_wanted(again=again) and self._may_fetch():
                    await self._refresh(again=again)
        if self._value is not None and self._age() < STALE_S:
            return self._value
        assert self._failure is not None, "without a valid value, the last fetch has failed"
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
            # An origin that does not answer is not asked again by every waiting caller.
            self._failure, self._forced_at = error, self._clock()
        else:
            self._failure, self._fetched_at = None, self._clock()
