"""The outbox as a queue: messages are claimed, sent and settled, one delivery at a time for each target.

While a process sends to a target it holds the target's lease. If the process dies, the lease expires, and
another process claims what was being sent.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from assent.notify.delivery import Delivery, Message, TargetTest
from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent.targets.news import Facts

GIVE_UP_AFTER_S: Final = 7 * 24 * 3_600
"""The longest that a message waits, whatever its target's state."""
SENT_KEPT_S: Final = 30 * 24 * 3_600
DEAD_KEPT_S: Final = 90 * 24 * 3_600
OF_MAIL: Final = 100
"""The most messages in one mail."""
OF_CHAT: Final = 10
"""The most messages in one chat message: chats cut long ones into pieces."""
TEST_WAITS_S: Final = 5 * 60
TEST_KEPT_S: Final = 24 * 3_600
_SQL = load_sql(Path(__file__).with_name("outbox_queue.sql"))
_decode_facts = msgspec.json.Decoder(Facts).decode
_MESSAGE: Final = frozenset(Message.__struct_fields__)


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
        """The oldest due messages of each of at most `targets` targets that have no lease.

        For mail and chat these are all that are due, up to a limit. For a webhook it is one.


        `of_principal`: how many targets of one principal may have a lease at once, in all processes together.
        """
        rows = await self._pool.fetch(
            _SQL["claim"], targets, self._lease, self._lease_s, of_principal, OF_MAIL, OF_CHAT
        )
        by_target = dict[UUID, list[asyncpg.Record]]()
        for row in sorted(rows, key=lambda row: row["id"]):
            by_target.setdefault(row["target"], []).append(row)
        return [_delivery(each) for each in by_target.values()]

    async def sent(self, delivery: Delivery, *, pause_s: float = 0.0, gather_s: float = 0.0) -> None:
        """The target accepted it. Leave the target alone for `pause_s`.

        `gather_s`: for how long messages to the target are gathered from now on.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # The target before its messages, here and below: the order in which removing a target locks them.
            await self._release(connection, delivery, 0, pause_s, gather_s)
            await connection.execute(_SQL["sent"], [each.id for each in delivery.messages])

    async def failed(
        self, delivery: Delivery, why: str, *, wait_s: float, pause_s: float, dead: bool
    ) -> None:
        """It failed. Try again after `wait_s`, unless it is dead. Leave the target alone for `pause_s`.

        This applies to the first message. Those that were sent with it wait as before.
        """
        first = delivery.first
        async with self._pool.acquire() as connection, connection.transaction():
            held = await self._release(connection, delivery, delivery.failures + 1, pause_s)
            await connection.execute(_SQL["failed"], first.id, first.attempts, dead, float(wait_s), why)
            if held:
                await connection.execute(_SQL["went_along"], delivery.others)

    async def give_back(self, under_way: Sequence[Delivery | TargetTest]) -> None:
        """This process stops before it knows the outcome of these: another one has to try again."""
        async with self._pool.acquire() as connection, connection.transaction():
            for each in under_way:
                if isinstance(each, TargetTest):
                    await connection.execute(_SQL["free"], each.target, self._lease)
                    continue
                held = await self._release(connection, each, each.failures, 0.0)
                await connection.execute(_SQL["given_back"], each.first.id, each.first.attempts)
                if held:
                    await connection.execute(_SQL["went_along"], each.others)

    async def _release(
        self,
        connection: PostgresConnection,
        delivery: Delivery,
        failures: int,
        pause_s: float,
        gather_s: float = 0.0,
    ) -> bool:
        """Whether the target's lease was still this process's."""
        done = await connection.execute(
            _SQL["release"], delivery.target, self._lease, failures, float(pause_s), float(gather_s)
        )
        return done == "UPDATE 1"

    async def claim_test(self) -> TargetTest | None:
        """The oldest test that is waiting, of a target that has no lease."""
        row = await self._pool.fetchrow(_SQL["claim_test"], self._lease, self._lease_s, float(TEST_WAITS_S))
        return None if row is None else TargetTest(**dict(row))

    async def tested(self, test: TargetTest, why: str | None) -> None:
        """Record the outcome. `why`: None if the target accepted it; messages for it then need not wait."""
        async with self._pool.acquire() as connection, connection.transaction():
            if why is None:
                await connection.execute(_SQL["recovered"], test.target, self._lease)
            await connection.execute(_SQL["free"], test.target, self._lease)
            await connection.execute(_SQL["tested"], test.id, why)

    async def tidy(self) -> OutboxMeasures:
        """Give up messages that waited too long, delete old ended ones, and measure the rest."""
        await self._pool.execute(_SQL["give_up_old"], float(GIVE_UP_AFTER_S))
        await self._pool.execute(_SQL["forget"], float(SENT_KEPT_S), float(DEAD_KEPT_S))
        await self._pool.execute(_SQL["give_up_tests"], float(TEST_WAITS_S))
        await self._pool.execute(_SQL["forget_tests"], float(TEST_KEPT_S))
        row = await self._pool.fetchrow(_SQL["measure"])
        assert row is not None
        return OutboxMeasures(row["dead"], row["lag_s"])


def _delivery(rows: Sequence[asyncpg.Record]) -> Delivery:
    first = rows[0]
    return Delivery(
        target=first["target"],
        kind=first["kind"],
        url=first["url"],
        secret=first["secret"],
        failures=first["failures"],
        most=first["most"],
        messages=tuple(
            Message(
                **{
                    **{name: value for name, value in row.items() if name in _MESSAGE},
                    "facts": _decode_facts(row["facts"]),
                }
            )
            for row in rows
        ),
    )
