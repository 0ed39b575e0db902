"""The latest count of what waits for each caller, for as long as nothing has changed."""

from collections import OrderedDict
from typing import Final

import msgspec

_FRESH_MS: Final = 5_000
"""Deadlines pass and keys end without a record: after this time it is counted in any case."""
_CALLERS_MAX: Final = 1_000

Version = tuple[object, ...]
"""What a count depends on: equal versions, equal counts."""


class _Count(msgspec.Struct, frozen=True):
    number: int
    version: Version
    at: int


class WaitingCounts:
    """Of at most 1,000 callers; who has not asked for longest is forgotten first."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def known(self, caller: str, version: Version, now: int) -> int | None:
        """The caller's count, if it was kept under this version in the last 5 s; `now` in ms."""
        found = self._counts.get(caller)
        if found is None or found.version != version or not 0 <= now - found.at < _FRESH_MS:
            return None
        return found.number

    def keep(self, caller: str, version: Version, now: int, number: int) -> None:
        """Keep what was counted at `now` (ms), from what the version names."""
        self._counts[caller] = _Count(number, version, now)
        self._counts.move_to_end(caller)
        if len(self._counts) > _CALLERS_MAX:
            self._counts.popitem(last=False)
