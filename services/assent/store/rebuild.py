"""Empty the readers' tables, so that they are projected again from the ledgers as they are now.

What is not a projection is kept: targets, news that was sent, sessions, and known heads.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import asyncpg
from aiokafka import TopicPartition

from assent.store.named_sql import load_sql
from assent.store.pool import connected, refuse_pooler
from assent.store.positions import read_positions
from assent_contracts.eras import losses_since
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import HeadInEra
from assent_contracts.topics import LEDGER_TOPICS

_SQL: Final = load_sql(Path(__file__).with_name("rebuild.sql"))
_CONNECT_TIMEOUT_S: Final = 10


async def notify_positions(dsn: str) -> dict[TopicPartition, HeadInEra]:
    """How far notify has come. Raises asyncpg.PostgresError, NotConnectedError, PoolerError."""
    connection = await _connected(dsn)
    try:
        return await read_positions(connection, "notify")
    finally:
        await connection.close()


def shared_with(place: tuple[str, int], read: HeadInEra, losses: Sequence[Loss]) -> int:
    """Up to which seq a reader at `read` of another history has read this one; -1 if unknown."""
    ends = [
        end.seq
        for loss in losses_since(read.era, losses)
        for end in loss.ends
        if (LEDGER_TOPICS[end.ledger], end.partition) == place and end.seq < read.head.seq
    ]
    return min(ends, default=-1)


async def empty_tables(dsn: str, anew: Mapping[TopicPartition, int]) -> None:
    """Delete what status and audit have projected; let notify read the partitions `anew` from the start.

    `anew`: for each, the seq up to which its news is of this history. That news is not sent again; the rest
    is deleted. Notify cannot continue from that seq, because it may have deleted what it knew of a request
    that was open there. The login of `dsn` owns the tables. Raises asyncpg.PostgresError, NotConnectedError,
    PoolerError.
    """
    connection = await _connected(dsn)
    try:
        async with connection.transaction():
            for step in ("lock", "unguard", "empty", "guard", "forget"):
                await connection.execute(_SQL[step])
            for place, shared in anew.items():
                of_governance = place.topic == LEDGER_TOPICS["governance"]
                await connection.execute(_SQL["read_anew"], place.topic, place.partition)
                await connection.execute(_SQL["forget_news"], place.partition, shared, of_governance)
                if not of_governance:
                    await connection.execute(_SQL["forget_requests"], place.partition)
    finally:
        await connection.close()


async def _connected(dsn: str) -> asyncpg.Connection:
    connection = await connected(
        dsn, timeout=_CONNECT_TIMEOUT_S, server_settings={"application_name": "assent-rebuild"}
    )
    await refuse_pooler(connection)
    return connection
