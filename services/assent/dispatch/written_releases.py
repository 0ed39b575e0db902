"""Which releases that wait for a claim are on `assent.changes`, and how long they will be.

`assent.changes` deletes records after 30 days, or sooner when a flood fills it, and the topic may be
recreated. No applier would ever see a release that is not claimed by then. So it is written again once its
newest copy is `AGAIN_AFTER_S` old, or as soon as that copy is deleted.

No clock decides whether a release is written. The topic has the broker's time of each record, and that only
chooses where a search begins. With a wrong clock the search may begin too early, which costs reading. It may
also begin too late. Then a release that is there is written once more, which an applier recognises by the
ledger. The search is bounded in any case: what has no copy within `AGAIN_AFTER_S` is due to be written.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from assent_contracts.client.connection import Connection
from assent_contracts.client.open_requests import OpenRequest
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.client.partition_probe import Probe
from assent_contracts.digests import sha256_hex
from assent_contracts.topics import CHANGES

AGAIN_AFTER_S: Final = 10 * 24 * 60 * 60.0
"""A third of the time for which the topic keeps a record."""
_MARGIN_MS: Final = 60 * 60 * 1_000
"""How far two brokers' clocks may differ before a release is written once more than needed."""
_POLL_MS: Final = 500

IsCopy = Callable[[ConsumerRecord, dict[str, OpenRequest]], str | None]
"""The request whose release a record is, exactly; None for anything else."""


class ReleaseCopy(msgspec.Struct, frozen=True, gc=False):
    """The newest known copy of a release."""

    offset: int
    sha256: str
    """The SHA-256 of its value."""
    since: float
    """When it was written, in seconds of this process's monotonic clock."""


def copy_of(value: bytes, offset: int, age_s: float = 0.0) -> ReleaseCopy:
    """A copy that was written `age_s` ago."""
    return ReleaseCopy(offset, sha256_hex(value), time.monotonic() - age_s)


class WrittenReleases:
    """The copies of one partition's waiting releases."""

    def __init__(
        self, connection: Connection, partition: int, is_copy: IsCopy, *, again_after_s: float = AGAIN_AFTER_S
    ) -> None:
        self._connection = connection
        self._place = TopicPartition(CHANGES, partition)
        self._is_copy = is_copy
        self._again_after_s = again_after_s
        self._probe = Probe(connection)
        self._copies: dict[str, ReleaseCopy] = {}

    async def stop(self) -> None:
        """Disconnect."""
        await self._probe.stop()

    def note(self, request: str, copy: ReleaseCopy) -> None:
        """Note that a release has been written."""
        self._copies[request] = copy

    async def missing(self, waiting: Sequence[OpenRequest]) -> list[OpenRequest]:
        """The releases of `waiting` (in order of release) that are not there, or soon will not be.

        Reads the topic. Raises KafkaError, TimeoutError.
        """
        self._copies = {}
        if waiting:
            await self._find({request.request: request for request in waiting})
        return [request for request in waiting if request.request not in self._copies]

    async def lost(self, waiting: Sequence[OpenRequest]) -> list[OpenRequest]:
        """The releases of `waiting` that must be written again. Raises KafkaError, TimeoutError."""
        self._copies = {
            request.request: self._copies[request.request]
            for request in waiting
            if request.request in self._copies
        }
        if not self._copies:
            return []
        newest = max(self._copies.values(), key=lambda copy: copy.offset)
        there = (await self._probe.found({self._place: newest.offset + 1}))[self._place]
        known = [request for request in waiting if request.request in self._copies]
        if there.sha256 != newest.sha256:
            # Recreated or emptied: read what is there now.
            return await self.missing(known)
        old = time.monotonic() - self._again_after_s
        return [
            request
            for request in known
            if (copy := self._copies[request.request]).offset < there.beginning or copy.since <= old
        ]

    async def _find(self, waiting: dict[str, OpenRequest]) -> None:
        now_ms = time.time_ns() // 1_000_000
        since_ms = max(_earliest_ms(waiting.values()), now_ms - round(self._again_after_s * 1_000))
        first = await self._probe.first_since(self._place, since_ms - _MARGIN_MS)
        if first is None:
            return
        end = (await self._probe.found({self._place: 0}))[self._place].end
        async with partition_contents(self._connection, self._place, start=first, end=end) as contents:
            async for records in contents:
                for record in records:
                    request = self._is_copy(record, waiting)
                    if request is not None:
                        age_s = max(0.0, (now_ms - record.timestamp) / 1_000)
                        self.note(request, copy_of(record.value or b"", record.offset, age_s))


def _earliest_ms(waiting: Iterable[OpenRequest]) -> int:
    return min(request.release.at for request in waiting if request.release is not None)
