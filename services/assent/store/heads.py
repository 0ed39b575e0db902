"""Signed heads in Postgres: what is known of the ledgers where Kafka is not. They only move forward."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg

from assent.store.pool import Executor, connected
from assent.store.sql import load_sql
from assent_contracts.heads import KeptHead, SignedHead
from assent_contracts.topics import LEDGER_TOPICS

STORED_WITHIN_S: Final = 5.0
HEADS_UNREACHABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
_SQL: Final = load_sql(Path(__file__).with_name("heads.sql"))


async def stored_heads(dsn: str) -> list[KeptHead]:
    """All heads that this database has, as they were signed: each is to be verified before it counts.

    Raises one of HEADS_UNREACHABLE, within some seconds.
    """
    async with asyncio.timeout(STORED_WITHIN_S):
        connection = await connected(dsn, timeout=STORED_WITHIN_S)
        try:
            return await read_heads(connection)
        finally:
            await connection.close(timeout=1.0)


async def read_heads(executor: Executor) -> list[KeptHead]:
    """The same on a connection that is there. Raises asyncpg.PostgresError."""
    rows = await executor.fetch(_SQL["read"])
    return [KeptHead(value, writer, seal) for value, writer, seal in rows]


async def keep_heads(executor: Executor, heads: Sequence[tuple[SignedHead, KeptHead]]) -> None:
    """Keep heads that writers have signed, unless a later one of that partition, era and writer is there."""
    newest: dict[tuple[str, int, str, str], tuple[SignedHead, KeptHead]] = {}
    for head, kept in heads:
        place = (LEDGER_TOPICS[head.ledger], head.partition, head.era, kept.writer)
        if place not in newest or head.seq > newest[place][0].seq:
            newest[place] = (head, kept)
    rows = [(*place, head.seq, kept.value, kept.seal) for place, (head, kept) in newest.items()]
    await executor.execute(_SQL["keep"], *(list(column) for column in zip(*rows, strict=True)))
