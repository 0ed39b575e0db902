"""The outbox as a queue: messages are taken, sent and settled, each target's one at a time.

While a process sends to a target it holds the target's lease. If it dies, the lease ends by itself, and the
one message that was on its way is taken again by whoever comes next.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from assent.notify.delivery import Delivery
from assent.store.sql import load_sql
from assent.targets.news import Facts

GIVE_UP_AFTER_S: Final = 7 * 24 * 3_600
"""So long a message waits at most, whatever its target's state."""
SENT_KEPT_S: Final = 30 * 24 * 3_600
DEAD_KEPT_S: Final = 90 * 24 * 3_600
_SQL = load_sql(Path(__file__).with_name("queue.sql"))
_decode_facts = msgspec.json.Decoder(Facts).decode


class Measures(msgspec.Struct, frozen=True):
    """How the outbox stands: dead messages, and for how long (s) the longest due one has been so."""

    dead: int
    lag_s: float


class Queue:
    """Takes from the outbox in the name of one process. Every call raises what asyncpg raises."""

    def __init__(self, pool: asyncpg.Pool, *, lease_s: float) -> None:
        """`pool` acts in the role assent_notify. A lease must outlast any attempt to send."""
        self._pool = pool
        self._lease_s = lease_s
        self._lease: Final[UUID] = uuid4()

    async def claim(self, targets: int, *, of_principal: int) -> list[Delivery]:
        """The oldest due message of each of so many targets, at most, that nobody else sends to now.

        `of_principal`: so many targets of one principal are sent to at once, by all processes together.
        """
        rows = await self._pool.fetch(_SQL["claim"], targets, self._lease, self._lease_s, of_principal)
        return [Delivery(**{**dict(row), "facts": _decode_facts(row["facts"])}) for row in rows]

    async def sent(self, delivery: Delivery, *, pause_s: float = 0.0) -> None:
        """It was taken: the target is well, though it may be left alone for a while."""
        async with self._pool.acquire() as connection, connection.transaction():
            # The target before its message, here and below, as whoever removes a target does.
            await connection.execute(_SQL["release"], delivery.target, self._lease, 0, float(pause_s))
            await connection.execute(_SQL["sent"], delivery.id)

    async def failed(
        self, delivery: Delivery, why: str, *, wait_s: float, pause_s: float, dead: bool
    ) -> None:
        """It was not: try again after `wait_s`, unless it is dead, and leave the target alone for a while."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                _SQL["release"], delivery.target, self._lease, delivery.failures + 1, float(pause_s)
            )
            await connection.execute(_SQL["failed"], delivery.id, delivery.attempts, dead, float(wait_s), why)

    async def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """This process stops before it knows how these went: somebody is to try again."""
        async with self._pool.acquire() as connection, connection.transaction():
            for each in deliveries:
                await connection.execute(_SQL["release"], each.target, self._lease, each.failures, 0.0)
                await connection.execute(_SQL["given_back"], each.id, each.attempts)

    async def tidy(self) -> Measures:
        """Give up what has waited too long, forget what is long over, and measure the rest."""
        await self._pool.execute(_SQL["give_up_old"], float(GIVE_UP_AFTER_S))
        await self._pool.execute(_SQL["forget"], float(SENT_KEPT_S), float(DEAD_KEPT_S))
        row = await self._pool.fetchrow(_SQL["measure"])
        assert row is not None
        return Measures(row["dead"], row["lag_s"])
