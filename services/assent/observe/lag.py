"""How far a reader is behind its partitions: in records, and in time."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from aiokafka import TopicPartition

from assent.observe import metrics

_SEEN_MAX: Final = 1_000
"""So many ends are remembered for each partition: those that it has not reached for longest."""


class Lag:
    """The lag of one reader's partitions. It has one owner."""

    def __init__(self) -> None:
        self._read_to: dict[TopicPartition, int] = {}
        self._seen: dict[TopicPartition, deque[tuple[float, int]]] = {}

    def read(self, place: TopicPartition, offset: int) -> None:
        """Note that everything before `offset` is durable."""
        self._read_to[place] = offset

    def forget(self, places: Iterable[TopicPartition]) -> None:
        """Stop reporting partitions: another instance may have them now."""
        for place in places:
            if self._read_to.pop(place, None) is not None:
                self._seen.pop(place, None)
                for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
                    gauge.remove(place.topic, str(place.partition))

    def tell(self, ends: Mapping[TopicPartition, int]) -> None:
        """Report the lag behind the ends (offsets) that the partitions have now."""
        now = time.monotonic()
        for place, read_to in self._read_to.items():
            end = ends.get(place)
            if end is None:
                continue
            seen = self._seen.setdefault(place, deque())
            if end > (seen[-1][1] if seen else read_to) and len(seen) < _SEEN_MAX:
                seen.append((now, end))
            while seen and seen[0][1] <= read_to:
                seen.popleft()
            labels = place.topic, str(place.partition)
            metrics.LAG_RECORDS.labels(*labels).set(max(0, end - read_to))
            metrics.LAG_SECONDS.labels(*labels).set(now - seen[0][0] if seen else 0)
