"""The dates of commands whose ids are forgotten. Pure.

A command with such a date may be a copy and is refused.

Dates mostly rise, so the latest one would be enough. But a clock may run days ahead for a while before it is
corrected. Commands with correct dates would then be before the latest date for days. So the gaps between the
forgotten dates are stored: no forgotten command has a date in a gap.
"""

from bisect import bisect_left
from typing import Final

import msgspec

from assent_contracts.limits import COMMAND_MAX_AGE_MS

GAP_MS: Final = 10 * 60 * 1_000
"""The shortest stretch without forgotten dates that counts as a gap."""
GAPS_MAX: Final = 256
"""How many gaps are stored, the latest ones. A command with a date in an earlier gap is refused."""


class ForgottenDates(msgspec.Struct):
    """All dates up to the latest forgotten one, except the gaps."""

    latest: int = -1
    """ms; -1 for none."""
    begins: list[int] = msgspec.field(default_factory=list[int])
    """The forgotten date before each gap, in order, ms."""
    ends: list[int] = msgspec.field(default_factory=list[int])
    """The forgotten date after each gap."""

    def __contains__(self, dated: int) -> bool:
        """Whether a command with this date (ms) may be one whose id is forgotten."""
        if dated > self.latest:
            return False
        gap = bisect_left(self.begins, dated) - 1
        return gap < 0 or dated >= self.ends[gap]

    def add(self, dated: int) -> None:
        """Note that the id of a command with this date (ms) is forgotten."""
        if dated > self.latest:
            # There is a gap before the first date too. It only goes back to dates that would be stale anyway.
            before = self.latest if self.latest >= 0 else dated - COMMAND_MAX_AGE_MS
            self.latest = dated
            self._keep(len(self.begins), before, dated)
        elif dated not in self:
            gap = bisect_left(self.begins, dated) - 1
            begin, end = self.begins.pop(gap), self.ends.pop(gap)
            self._keep(gap, dated, end)
            self._keep(gap, begin, dated)
        while len(self.begins) > GAPS_MAX:
            del self.begins[0], self.ends[0]

    def _keep(self, place: int, begin: int, end: int) -> None:
        if end - begin > GAP_MS:
            self.begins.insert(place, begin)
            self.ends.insert(place, end)
