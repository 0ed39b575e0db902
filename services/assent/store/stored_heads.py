"""Signed heads in Postgres: what is known of the ledgers outside Kafka.

Rows are added and never changed. The database cannot distinguish a head that a writer signed from one that
someone made up. So neither replaces the other, and readers verify each.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import asyncpg

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, connected
from assent_contracts.client.heads_topic import PIECE, sift_beside
from assent_contracts.client.newest_heads import NewestHeads, false_heads
from assent_contracts.heads import KeptHead, SignedHead
from assent_contracts.topics import LEDGER_TOPICS

STORED_WITHIN_S: Final = 5.0
"""The limit for each answer."""
SIFTED_WITHIN_S: Final = 30.0
"""The limit for all answers: a user who may write to the table cannot delay anyone for longer."""
HEADS_UNREACHABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
_SQL: Final = load_sql(Path(__file__).with_name("stored_heads.sql"))


async def sift_database(dsn: str, newest: NewestHeads, identity: str, trusted: Mapping[str, bytes]) -> None:
    """Collect those heads in this database that count. What was collected is kept when it ends early.

    Raises one of HEADS_UNREACHABLE, within some seconds.
    """
    connection = await connected(dsn, timeout=STORED_WITHIN_S, command_timeout=STORED_WITHIN_S)
    try:
        async with asyncio.timeout(SIFTED_WITHIN_S):
            await sift_stored(connection, newest, identity, trusted)
    finally:
        await connection.close(timeout=1.0)


async def sift_stored(
    executor: Executor, newest: NewestHeads, identity: str, trusted: Mapping[str, bytes]
) -> None:
    """The same on an existing connection. Raises asyncpg.PostgresError."""
    async with aclosing(_pieces(executor)) as pieces:
        async for piece in pieces:
            await sift_beside(newest, identity, piece, trusted)


async def stored_heads(dsn: str) -> list[KeptHead]:
    """All heads in this database as they were signed. Verify each before it counts.

    Raises one of HEADS_UNREACHABLE, within some seconds.
    """
    connection = await connected(dsn, timeout=STORED_WITHIN_S, command_timeout=STORED_WITHIN_S)
    try:
        async with asyncio.timeout(SIFTED_WITHIN_S), aclosing(_pieces(connection)) as pieces:
            return [each async for piece in pieces for each in piece]
    finally:
        await connection.close(timeout=1.0)


async def keep_heads(executor: Executor, heads: Sequence[tuple[SignedHead, KeptHead]]) -> None:
    """Keep heads that writers have signed, and delete older ones of the same partition, era and writer.

    Raises asyncpg.PostgresError.
    """
    heads = [each for each in heads if _fits(each[0])]
    if not heads:
        return
    values, writers, seals = zip(*((kept.value, kept.writer, kept.seal) for _, kept in heads), strict=True)
    await executor.execute(_SQL["keep"], list(values), list(writers), list(seals))
    slots = [
        (LEDGER_TOPICS[head.ledger], head.partition, head.era, kept.writer, head.seq) for head, kept in heads
    ]
    await executor.execute(_SQL["let_go"], *(list(column) for column in zip(*slots, strict=True)))


async def drop_false_heads(executor: Executor, identity: str, writers: Mapping[str, bytes]) -> int:
    """Delete heads that name a writer who did not sign them; returns how many were found.

    The database keeps the first row of each day for a week, because that one may be true. Raises
    asyncpg.PostgresError.
    """
    found = 0
    async with aclosing(_pieces(executor)) as pieces:
        async for piece in pieces:
            false = await asyncio.to_thread(false_heads, identity, piece, writers)
            found += len(false)
            if false:
                await executor.execute(_SQL["drop"], [_digest(each) for each in false])
    return found


async def _pieces(executor: Executor) -> AsyncGenerator[list[KeptHead]]:
    after = b""
    while rows := await executor.fetch(_SQL["read"], after, PIECE):
        yield [KeptHead(value, writer, seal) for _, value, writer, seal in rows]
        after = rows[-1]["digest"]


def _fits(head: SignedHead) -> bool:
    """Whether Postgres can store it: a stolen key can sign what it cannot."""
    return head.seq < 1 << 63 and "\0" not in head.era


def _digest(kept: KeptHead) -> bytes:
    """Computed as the table's trigger does."""
    return hashlib.sha256(f"{kept.writer}\n{kept.seal}\n{kept.value}".encode()).digest()
