"""Answers that are awaited by the place of their question: a decision names its command's offset."""

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

_EARLY_MAX: Final = 10_000
"""Answers that are kept while the broker's acknowledgement of their question may not have arrived."""

P = TypeVar("P", bound=Hashable)
A = TypeVar("A")


class AwaitedAnswers(Generic[P, A]):
    """Answers by place, so that no other record can answer a question, whatever bytes it has."""

    def __init__(self) -> None:
        self._waiting: dict[P, asyncio.Future[A]] = {}
        self._early: dict[P, A] = {}
        self._asking = 0

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Around asking a question: its answer may arrive before its place is known."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    def wanted(self, place: P) -> bool:
        """Whether an answer for this place may be awaited."""
        return bool(self._asking) or place in self._waiting

    def give(self, place: P, answer: A) -> None:
        """Deliver the answer for a place."""
        future = self._waiting.get(place)
        if future is None:
            self._early[place] = answer
            if len(self._early) > _EARLY_MAX:
                del self._early[next(iter(self._early))]
        elif not future.done():
            future.set_result(answer)

    async def wait(self, place: P, timeout_s: float) -> A:
        """Return the answer. Raises TimeoutError."""
        if place in self._early:
            return self._early.pop(place)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting[place] = future
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that arrives together with the answer.
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            del self._waiting[place]
            if not self._waiting and not self._asking:
                self._early.clear()

    def cancel(self) -> None:
        """Cancel all waits: they raise CancelledError."""
        for future in self._waiting.values():
            future.cancel()
