"""How long no answer came while a server was away: for each partition of the ledger, and for the tables."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg
import msgspec

from assent.store.reader_service import UNREACHABLE
from assent_contracts.client.publisher import Decided
from assent_contracts.topics import LEDGER
from tests.support.log import PARTITIONS

LIMIT_S: Final = 60.0
"""When a partition must answer again. It is generous: the times are reported, not required."""
_LOOK_S: Final = 0.05


class Pause(msgspec.Struct, frozen=True):
    """What senders and readers noticed of one fault, in seconds."""

    decisions_s: float
    """The longest time without a decision, of the partition that was without one for longest."""
    tables_s: float
    """The longest time that a decision took to be in the table of requests."""


class Answers:
    """Notes each decision, and when the table of requests has it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._began = time.monotonic()
        self._last: dict[int, float] = {}
        self._longest: dict[int, float] = {}
        self._decided: dict[int, list[tuple[int, float]]] = {}
        self._tables_s = 0.0

    def begin(self) -> None:
        """Count from now: a fault comes next."""
        now = time.monotonic()
        self._began = now
        self._last = dict.fromkeys(range(PARTITIONS), now)
        self._longest = dict.fromkeys(range(PARTITIONS), 0.0)
        self._decided = {partition: [] for partition in range(PARTITIONS)}
        self._tables_s = 0.0

    def take(self, decided: Decided) -> None:
        """Note a decision that a sender has got."""
        if decided.partition not in self._last:
            return
        now = time.monotonic()
        pause = now - self._last[decided.partition]
        self._longest[decided.partition] = max(self._longest[decided.partition], pause)
        self._last[decided.partition] = now
        self._decided[decided.partition].append((decided.seq, now))

    async def from_all(self, limit_s: float) -> None:
        """Return when each partition has decided something after this call."""
        since = time.monotonic()
        async with asyncio.timeout(limit_s):
            while min(self._last.values()) <= since:
                await asyncio.sleep(_LOOK_S)

    def pause(self) -> Pause:
        """What was noticed since `begin`."""
        return Pause(max(self._longest.values()), self._tables_s)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the table for as long as the block lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            with suppress(*UNREACHABLE):
                await self._look_while_connected()
            await asyncio.sleep(_LOOK_S)

    async def _look_while_connected(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            while True:
                rows = await connection.fetch(
                    "select partition, seq from positions where ledger = $1 and reader = 'status'", LEDGER
                )
                self._seen({row["partition"]: row["seq"] for row in rows})
                await asyncio.sleep(_LOOK_S)
        finally:
            connection.terminate()

    def _seen(self, reached: dict[int, int]) -> None:
        now = time.monotonic()
        for partition, waiting in self._decided.items():
            seq = reached.get(partition, -1)
            left = [(each, at) for each, at in waiting if each > seq]
            gone = [at for each, at in waiting if each <= seq]
            # Also what is still waited for: it may never come.
            self._tables_s = max([self._tables_s, *(now - at for at in gone), *(now - at for _, at in left)])
            self._decided[partition] = left
