"""The outbox as a queue: messages are taken, sent and settled, one delivery to a target at a time.

While a process sends to a target it holds the target's lease. If it dies, the lease ends by itself, and what
was on its way is taken again by the process that comes next.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from assent.notify.delivery import Delivery, Message, TargetTest
from assent.store.pool import Connection
from assent.store.sql import load_sql
from assent.targets.news import Facts

GIVE_UP_AFTER_S: Final = 7 * 24 * 3_600
"""So long a message waits at most, whatever its target's state."""
SENT_KEPT_S: Final = 30 * 24 * 3_600
DEAD_KEPT_S: Final = 90 * 24 * 3_600
OF_MAIL: Final = 100
"""So many messages are in one mail at most."""
OF_CHAT: Final = 10
"""So many messages are in one chat message at most: chats cut long ones into pieces."""
TEST_WAITS_S: Final = 5 * 60
TEST_KEPT_S: Final = 24 * 3_600
_SQL = load_sql(Path(__file__).with_name("queue.sql"))
_decode_facts = msgspec.json.Decoder(Facts).decode
_MESSAGE: Final = frozenset(Message.__struct_fields__)


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
        """What is due for each of so many targets, at most, that nobody else sends to now: the oldest first.

        For mail and chat that is all that is due, up to a limit; for a webhook one message.

        `of_principal`: so many targets of one principal are sent to at once, by all processes together.
        """
        rows = await self._pool.fetch(
            _SQL["claim"], targets, self._lease, self._lease_s, of_principal, OF_MAIL, OF_CHAT
        )
        by_target = dict[UUID, list[asyncpg.Record]]()
        for row in sorted(rows, key=lambda row: row["id"]):
            by_target.setdefault(row["target"], []).append(row)
        return [_delivery(each) for each in by_target.values()]

    async def sent(self, delivery: Delivery, *, pause_s: float = 0.0, gather_s: float = 0.0) -> None:
        """It was taken: the target is well, though it may be left alone for a while.

        `gather_s`: so long what comes for it is gathered, to be sent at once.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # The target before its messages, here and below, as whoever removes a target does.
            await self._release(connection, delivery, 0, pause_s, gather_s)
            await connection.execute(_SQL["sent"], [each.id for each in delivery.messages])

    async def failed(
        self, delivery: Delivery, why: str, *, wait_s: float, pause_s: float, dead: bool
    ) -> None:
        """It was not: try again after `wait_s`, unless it is dead, and leave the target alone for a while.

        That is said of the first message. Those that went along with it wait as before.
        """
        first = delivery.first
        async with self._pool.acquire() as connection, connection.transaction():
            held = await self._release(connection, delivery, delivery.failures + 1, pause_s)
            await connection.execute(_SQL["failed"], first.id, first.attempts, dead, float(wait_s), why)
            if held:
                await connection.execute(_SQL["went_along"], delivery.others)

    async def give_back(self, under_way: Sequence[Delivery | TargetTest]) -> None:
        """This process stops before it knows how these went: somebody is to try again."""
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
        self, connection: Connection, delivery: Delivery, failures: int, pause_s: float, gather_s: float = 0.0
    ) -> bool:
        """Whether the target's lease was still this process's."""
        done = await connection.execute(
            _SQL["release"], delivery.target, self._lease, failures, float(pause_s), float(gather_s)
        )
        return done == "UPDATE 1"

    async def claim_test(self) -> TargetTest | None:
        """A test that somebody waits for, of a target that nobody sends to now."""
        row = await self._pool.fetchrow(_SQL["claim_test"], self._lease, self._lease_s, float(TEST_WAITS_S))
        return None if row is None else TargetTest(**dict(row))

    async def tested(self, test: TargetTest, why: str | None) -> None:
        """How the test went: None if the target took it, so that all that waits for it may go there again."""
        async with self._pool.acquire() as connection, connection.transaction():
            if why is None:
                await connection.execute(_SQL["recovered"], test.target, self._lease)
            await connection.execute(_SQL["free"], test.target, self._lease)
            await connection.execute(_SQL["tested"], test.id, why)

    async def tidy(self) -> Measures:
        """Give up what has waited too long, forget what is long over, and measure the rest."""
        await self._pool.execute(_SQL["give_up_old"], float(GIVE_UP_AFTER_S))
        await self._pool.execute(_SQL["forget"], float(SENT_KEPT_S), float(DEAD_KEPT_S))
        await self._pool.execute(_SQL["give_up_tests"], float(TEST_WAITS_S))
        await self._pool.execute(_SQL["forget_tests"], float(TEST_KEPT_S))
        row = await self._pool.fetchrow(_SQL["measure"])
        assert row is not None
        return Measures(row["dead"], row["lag_s"])


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
