"""Items that are kept until a log time, in the order in which they were added. Pure."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import msgspec


class Kept(Protocol):
    """Something that is kept for a limited time."""

    @property
    def until(self) -> int:
        """The log time (ms) up to which it is kept."""
        ...


T = TypeVar("T", bound=Kept)


class RetentionQueue(msgspec.Struct, Generic[T]):
    """Items that expire in the order in which they are added, unless log time is set back.

    Then a new stretch begins, so that no item waits behind others that expire much later.
    """

    stretches: list[deque[T]] = msgspec.field(default_factory=lambda: [deque[T]()])

    def add(self, item: T) -> None:
        """Keep an item."""
        now = self.stretches[-1]
        if now and item.until < now[-1].until:
            self.stretches.append(deque((item,)))
        else:
            now.append(item)

    def __iter__(self) -> Iterator[T]:
        """All items that are kept."""
        for stretch in self.stretches:
            yield from stretch

    def let_go(self, at: int) -> Iterator[T]:
        """Remove and return the items that have expired at log time `at` (ms)."""
        for stretch in self.stretches:
            while stretch and stretch[0].until < at:
                yield stretch.popleft()
        if len(self.stretches) > 1:
            *before, now = self.stretches
            self.stretches = [*(each for each in before if each), now]
