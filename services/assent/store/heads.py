"""Signed heads in Postgres: what is known of the ledgers where Kafka is not.

They only move forward.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import asyncpg

from assent.store.pool import Executor, connected
from assent.store.sql import load_sql
from assent_contracts.client.heads import PIECE, sift_beside
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.heads import KeptHead, SignedHead
from assent_contracts.topics import LEDGER_TOPICS

STORED_WITHIN_S: Final = 5.0
"""For each answer."""
SIFTED_WITHIN_S: Final = 30.0
"""For all: whoever may write to the table keeps nobody waiting for longer."""
HEADS_UNREACHABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
_SQL: Final = load_sql(Path(__file__).with_name("heads.sql"))


async def sift_database(dsn: str, newest: NewestHeads, identity: str, trusted: Mapping[str, bytes]) -> None:
    """Take in what counts of all heads that this database has; what is taken in stays so when it ends early.

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
    """The same on a connection that is there. Raises asyncpg.PostgresError."""
    async with aclosing(_pieces(executor)) as pieces:
        async for piece in pieces:
            await sift_beside(newest, identity, piece, trusted)


async def stored_heads(dsn: str) -> list[KeptHead]:
    """All heads that this database has, as they were signed: each is to be verified before it counts.

    Raises one of HEADS_UNREACHABLE, within some seconds.
    """
    connection = await connected(dsn, timeout=STORED_WITHIN_S, command_timeout=STORED_WITHIN_S)
    try:
        async with asyncio.timeout(SIFTED_WITHIN_S), aclosing(_pieces(connection)) as pieces:
            return [each async for piece in pieces for each in piece]
    finally:
        await connection.close(timeout=1.0)


async def keep_heads(executor: Executor, heads: Sequence[tuple[SignedHead, KeptHead]]) -> None:
    """Keep heads that writers have signed, unless a later one of that partition, era and writer is there."""
    newest: dict[tuple[str, int, str, str], tuple[SignedHead, KeptHead]] = {}
    for head, kept in heads:
        place = (LEDGER_TOPICS[head.ledger], head.partition, head.era, kept.writer)
        if place not in newest or head.seq > newest[place][0].seq:
            newest[place] = (head, kept)
    rows = [(*place, head.seq, kept.value, kept.seal) for place, (head, kept) in newest.items()]
    await executor.execute(_SQL["keep"], *(list(column) for column in zip(*rows, strict=True)))


async def _pieces(executor: Executor) -> AsyncGenerator[list[KeptHead]]:
    after = ("assent.ledger", -1, "", "")
    while rows := await executor.fetch(_SQL["read"], *after, PIECE):
        yield [KeptHead(row["value"], row["writer"], row["seal"]) for row in rows]
        after = tuple(rows[-1][name] for name in ("ledger", "partition", "era", "writer"))
