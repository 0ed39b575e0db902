"""Where a partition ended, and when. This shows when a record had not been appended yet. Pure."""

from typing import Final

KEPT: Final = 64


class SeenEnds:
    """The ends that were seen. Of older ones fewer are kept, and the first one always."""

    def __init__(self) -> None:
        self._ends: list[tuple[int, int]] = []
        """Where the partition ended, and the last time it did (steady clock, ms). The latest is last."""

    @property
    def latest(self) -> int:
        """The furthest end that was seen; 0 for none."""
        return self._ends[-1][0] if self._ends else 0

    def note(self, end: int, steady: int) -> None:
        """Note that the partition ended at or before `end` at the time `steady` (steady clock, ms)."""
        if self._ends and end <= self._ends[-1][0]:
            if end == self._ends[-1][0]:
                self._ends[-1] = (end, max(steady, self._ends[-1][1]))
            return
        self._ends.append((end, steady))
        if len(self._ends) > KEPT:
            del self._ends[min(range(1, KEPT), key=self._gap_without)]

    def _gap_without(self, number: int) -> float:
        """The length of time about which nothing would be known without this end, relative to its age."""
        begin, end = self._ends[number - 1][1], self._ends[number + 1][1]
        return (end - begin) / max(1, self._ends[-1][1] - begin)

    def after(self, offset: int) -> int | None:
        """The latest known time (steady clock, ms) at which the record at `offset` had not been appended."""
        return next((steady for end, steady in reversed(self._ends) if end <= offset), None)
