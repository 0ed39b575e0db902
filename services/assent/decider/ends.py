"""Where a partition ended, and when: so it is known when a record had not been appended yet. Pure."""

from typing import Final

KEPT: Final = 64


class SeenEnds:
    """The ends that were seen: the longer ago, the fewer are kept, and always the first."""

    def __init__(self) -> None:
        self._ends: list[tuple[int, int]] = []
        """Where the partition ended, and when (steady clock, ms) it last did there; the latest at the end."""

    @property
    def latest(self) -> int:
        """The furthest end that was seen; 0 for none."""
        return self._ends[-1][0] if self._ends else 0

    def note(self, end: int, steady: int) -> None:
        """Take in that the partition ended at `end`, or before it, at `steady` (steady clock, ms)."""
        if self._ends and end <= self._ends[-1][0]:
            if end == self._ends[-1][0]:
                self._ends[-1] = (end, max(steady, self._ends[-1][1]))
            return
        self._ends.append((end, steady))
        if len(self._ends) > KEPT:
            del self._ends[min(range(1, KEPT), key=self._gap_without)]

    def _gap_without(self, number: int) -> float:
        """How long nothing would be known without this one, for how long ago that is."""
        begin, end = self._ends[number - 1][1], self._ends[number + 1][1]
        return (end - begin) / max(1, self._ends[-1][1] - begin)

    def after(self, offset: int) -> int | None:
        """When (steady clock, ms) the record at `offset` had not been appended yet, as late as is known."""
        return next((steady for end, steady in reversed(self._ends) if end <= offset), None)
