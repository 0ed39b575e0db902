"""The outbox as a queue: messages are claimed, sent and settled, one at a time for each target.

While a process sends to a target it holds the target's lease. If the process dies, the lease expires, and
another process claims the message that was being sent.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from assent.notify.delivery import Delivery
from assent.store.named_sql import load_sql
from assent.targets.news import Facts

GIVE_UP_AFTER_S: Final = 7 * 24 * 3_600
"""The longest that a message waits, whatever its target's state."""
SENT_KEPT_S: Final = 30 * 24 * 3_600
DEAD_KEPT_S: Final = 90 * 24 * 3_600
_SQL = load_sql(Path(__file__).with_name("outbox_queue.sql"))
_decode_facts = msgspec.json.Decoder(Facts).decode


class OutboxMeasures(msgspec.Struct, frozen=True):
    """The outbox's dead messages, and how long (s) the oldest due message has been due."""

    dead: int
    lag_s: float


class OutboxQueue:
    """Claims messages of the outbox for one process. Every call raises what asyncpg raises."""

    def __init__(self, pool: asyncpg.Pool, *, lease_s: float) -> None:
        """`pool` uses the role assent_notify. A lease must outlast any attempt to send."""
        self._pool = pool
        self._lease_s = lease_s
        self._lease: Final[UUID] = uuid4()

    async def claim(self, targets: int, *, of_principal: int) -> list[Delivery]:
        """The oldest due message of each of at most `targets` targets that have no lease.

        `of_principal`: how many targets of one principal may have a lease at once, in all processes together.
        """
        rows = await self._pool.fetch(_SQL["claim"], targets, self._lease, self._lease_s, of_principal)
        return [Delivery(**{**dict(row), "facts": _decode_facts(row["facts"])}) for row in rows]

    async def sent(self, delivery: Delivery, *, pause_s: float = 0.0) -> None:
        """The target accepted it. Leave the target alone for `pause_s`."""
        async with self._pool.acquire() as connection, connection.transaction():
            # The target before its message, here and below: the order in which removing a target locks them.
            await connection.execute(_SQL["release"], delivery.target, self._lease, 0, float(pause_s))
            await connection.execute(_SQL["sent"], delivery.id)

    async def failed(
        self, delivery: Delivery, why: str, *, wait_s: float, pause_s: float, dead: bool
    ) -> None:
        """It failed. Try again after `wait_s`, unless it is dead. Leave the target alone for `pause_s`."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                _SQL["release"], delivery.target, self._lease, delivery.failures + 1, float(pause_s)
            )
            await connection.execute(_SQL["failed"], delivery.id, delivery.attempts, dead, float(wait_s), why)

    async def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """This process stops before it knows the outcome of these: another one has to try again."""
        async with self._pool.acquire() as connection, connection.transaction():
            for each in deliveries:
                await connection.execute(_SQL["release"], each.target, self._lease, each.failures, 0.0)
                await connection.execute(_SQL["given_back"], each.id, each.attempts)

    async def tidy(self) -> OutboxMeasures:
        """Give up messages that waited too long, delete old ended ones, and measure the rest."""
        await self._pool.execute(_SQL["give_up_old"], float(GIVE_UP_AFTER_S))
        await self._pool.execute(_SQL["forget"], float(SENT_KEPT_S), float(DEAD_KEPT_S))
        row = await self._pool.fetchrow(_SQL["measure"])
        assert row is not None
        return OutboxMeasures(row["dead"], row["lag_s"])
