"""What is let go of by log time, in the order in which it came. Pure."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import msgspec


class Kept(Protocol):
    """Something that is kept for a time."""

    @property
    def until(self) -> int:
        """Log time (ms) up to which it is kept."""
        ...


T = TypeVar("T", bound=Kept)


class RetentionQueue(msgspec.Struct, Generic[T]):
    """Things that come in the order in which they are let go of, until log time is set back.

    Then a new stretch begins, so that nothing waits behind what is kept long after it.
    """

    stretches: list[deque[T]] = msgspec.field(default_factory=lambda: [deque[T]()])

    def add(self, item: T) -> None:
        """Keep something."""
        now = self.stretches[-1]
        if now and item.until < now[-1].until:
            self.stretches.append(deque((item,)))
        else:
            now.append(item)

    def __iter__(self) -> Iterator[T]:
        """Everything that is kept."""
        for stretch in self.stretches:
            yield from stretch

    def let_go(self, at: int) -> Iterator[T]:
        """What log time `at` (ms) has passed; it is kept no longer."""
        for stretch in self.stretches:
            while stretch and stretch[0].until < at:
                yield stretch.popleft()
        if len(self.stretches) > 1:
            *before, now = self.stretches
            self.stretches = [*(each for each in before if each), now]
