"""What waits for each caller, cached as long as nothing has changed."""

from collections import OrderedDict
from typing import Final

import msgspec

from assent.store.queries import RequestView

_FRESH_MS: Final = 5_000
"""Deadlines pass and keys expire without a record, so after this time it is counted again in any case."""
_CALLERS_MAX: Final = 1_000

WaitingVersion = tuple[object, ...]
"""What an answer depends on: equal versions have equal answers."""


class Waiting(msgspec.Struct, frozen=True):
    """How many requests wait for a caller, and the oldest of them."""

    number: int
    oldest: tuple[RequestView, ...]


class _Kept(msgspec.Struct, frozen=True):
    waiting: Waiting
    version: WaitingVersion
    at: int


class WaitingCounts:
    """A cache for at most 1,000 callers. The least recently updated is dropped first."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, _Kept] = OrderedDict()

    def known(self, caller: str, version: WaitingVersion, now: int) -> Waiting | None:
        """What waits, if it was cached under this version in the last 5 s; `now` in ms."""
        found = self._counts.get(caller)
        if found is None or found.version != version or not 0 <= now - found.at < _FRESH_MS:
            return None
        return found.waiting

    def keep(self, caller: str, version: WaitingVersion, now: int, waiting: Waiting) -> None:
        """Cache what was found at `now` (ms) under this version."""
        self._counts[caller] = _Kept(waiting, version, now)
        self._counts.move_to_end(caller)
        if len(self._counts) > _CALLERS_MAX:
            self._counts.popitem(last=False)
