"""The times that the tests of the cluster measure."""

from collections import defaultdict
from math import ceil

from tests.support.cluster.answers import Pause


class Measured:
    """Pauses by what was done; printed as a table."""

    def __init__(self) -> None:
        self._pauses: dict[str, list[Pause]] = defaultdict(list)

    def add(self, what: str, pause: Pause) -> None:
        """Note one pause."""
        self._pauses[what].append(pause)

    def lines(self) -> list[str]:
        """The table: the time without decisions, and until tables had a decision, in seconds."""
        if not self._pauses:
            return []
        title = "seconds: median / 99th percentile / longest"
        head = f"{title:46}  {'without a decision':>22}  {'tables behind':>22}"
        rows = [
            f"{f'{what} ({len(pauses)})':46}  {_shown([each.decisions_s for each in pauses]):>22}"
            f"  {_shown([each.tables_s for each in pauses]):>22}"
            for what, pauses in self._pauses.items()
        ]
        return ["", head, *rows]


def _shown(seconds: list[float]) -> str:
    in_order = sorted(seconds)
    at = (in_order[len(in_order) // 2], in_order[ceil(0.99 * len(in_order)) - 1], in_order[-1])
    return " / ".join(f"{each:.1f}" for each in at)
