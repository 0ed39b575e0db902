"""Answers that are awaited by where their question stands: the decision names the command's offset."""

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

_EARLY_MAX: Final = 10_000
"""Answers kept while the broker's acknowledgement of a question may still be on its way."""

P = TypeVar("P", bound=Hashable)
A = TypeVar("A")


class AwaitedAnswers(Generic[P, A]):
    """By place: nobody else can answer a question, whatever bytes they send and wherever."""

    def __init__(self) -> None:
        self._waiting: dict[P, asyncio.Future[A]] = {}
        self._early: dict[P, A] = {}
        self._asking = 0

    @contextmanager
    def expected(self) -> Iterator[None]:
        """A question is being asked: its answer may be heard before its place is known."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    def wanted(self, place: P) -> bool:
        """Whether an answer for this place may be awaited."""
        return bool(self._asking) or place in self._waiting

    def give(self, place: P, answer: A) -> None:
        """The answer for a place is there."""
        future = self._waiting.get(place)
        if future is None:
            self._early[place] = answer
            if len(self._early) > _EARLY_MAX:
                del self._early[next(iter(self._early))]
        elif not future.done():
            future.set_result(answer)

    async def wait(self, place: P, timeout_s: float) -> A:
        """The answer. Raises TimeoutError."""
        if place in self._early:
            return self._early.pop(place)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting[place] = future
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            del self._waiting[place]
            if not self._waiting and not self._asking:
                self._early.clear()

    def cancel(self) -> None:
        """Whoever still waits gets a CancelledError."""
        for future in self._waiting.values():
            future.cancel()
