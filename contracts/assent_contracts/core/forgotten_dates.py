"""The dates of commands whose ids were let go: what is dated so may be a copy, and is refused. Pure.

Dates mostly rise, so one number would say it, the latest: until a clock runs days ahead for a while, and is
set right. Then what is dated now would lie behind that number for days. So the gaps are known between the
dates that were let go: nothing was ever let go that is dated in one.
"""

from bisect import bisect_left
from typing import Final

import msgspec

from assent_contracts.limits import COMMAND_MAX_AGE_MS

GAP_MS: Final = 10 * 60 * 1_000
"""A shorter stretch of dates in which nothing was let go is not a gap."""
GAPS_MAX: Final = 256
"""So many are known, the latest ones: what is dated in an earlier one is refused."""


class ForgottenDates(msgspec.Struct):
    """Everything up to the latest date that was let go, but for the gaps."""

    latest: int = -1
    """ms; -1 for none."""
    begins: list[int] = msgspec.field(default_factory=list[int])
    """Of the gaps, in order: the date before each that was let go, ms."""
    ends: list[int] = msgspec.field(default_factory=list[int])
    """And the date after each."""

    def __contains__(self, dated: int) -> bool:
        """Whether a command that is dated so (ms) may be one whose id was let go."""
        if dated > self.latest:
            return False
        gap = bisect_left(self.begins, dated) - 1
        return gap < 0 or dated >= self.ends[gap]

    def add(self, dated: int) -> None:
        """An id of this date (ms) is let go."""
        if dated > self.latest:
            # Before the first there is a gap too, but for what is too old by now, whatever a clock has done.
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
