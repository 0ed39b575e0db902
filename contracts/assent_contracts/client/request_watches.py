"""The records of single requests, collected as they are accepted, for whoever follows them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final
from weakref import WeakSet

from assent_contracts.acceptance import Accepted
from assent_contracts.client.request_updates import RequestFold, RequestUpdate


class Watch:
    """The updates of one request. Records that arrive before `caught_up` wait until then."""

    def __init__(self, partition: int) -> None:
        self.partition: Final = partition
        self.updates: list[RequestUpdate] = []
        self.error: Exception | None = None
        """Why the request cannot be followed any further."""
        self._waiting: list[Accepted] | None = []
        self._fold: RequestFold | None = None
        self._last_seq = -1
        self._news = asyncio.Event()

    def name(self, request: str) -> None:
        """State which request it is."""
        self._fold = RequestFold(request)

    def caught_up(self) -> None:
        """Consume the records that waited. From now on none waits."""
        before, self._waiting = self._waiting or [], None
        for accepted in before:
            self.take_next(accepted)

    def take(self, accepted: Accepted) -> None:
        """A record of the partition was accepted."""
        if self._waiting is None:
            self.take_next(accepted)
        else:
            self._waiting.append(accepted)

    def take_next(self, accepted: Accepted) -> None:
        """Consume the next accepted record. One that was consumed before is ignored."""
        assert self._fold is not None, "it has been named"
        if accepted.record.seq <= self._last_seq or self.error is not None:
            return
        self._last_seq = accepted.record.seq
        try:
            self.updates += self._fold.take(accepted)
        except Exception as error:  # noqa: BLE001  whoever follows the request is told
            self.error = error
        self._news.set()

    async def beyond(self, count: int) -> None:
        """Return when there are more updates than `count`. Raises `error`."""
        while len(self.updates) <= count:
            if self.error is not None:
                raise self.error
            self._news.clear()
            await self._news.wait()

    async def records(self, deaf: asyncio.Task[None]) -> AsyncGenerator[tuple[RequestUpdate, ...]]:
        """The updates, record by record, until the request has ended.

        `deaf` ends with an exception when nothing more will come.
        """
        count = 0
        while True:
            news = asyncio.create_task(self.beyond(count), name="follow")
            try:
                await asyncio.wait({news, deaf}, return_when=asyncio.FIRST_COMPLETED)
                (news if news.done() else deaf).result()
            finally:
                news.cancel()
            seq = self.updates[count].seq
            of_record = tuple(each for each in self.updates[count:] if each.seq == seq)
            count += len(of_record)
            yield of_record
            if of_record[-1].ended:
                return


class Watches:
    """All watches that somebody still holds."""

    def __init__(self) -> None:
        self._all: dict[int, WeakSet[Watch]] = {}

    def begin(self, partition: int) -> Watch:
        """A watch of everything that is accepted from now on."""
        watch = Watch(partition)
        self._all.setdefault(partition, WeakSet()).add(watch)
        return watch

    def take(self, partition: int, accepted: Accepted) -> None:
        """Consume the next accepted record of a partition."""
        for watch in tuple(self._all.get(partition, ())):
            watch.take(accepted)
