"""How far a reader's rows have come: the accepted head, stored with the rows that it produced."""

from pathlib import Path
from typing import Literal

from aiokafka import TopicPartition

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection
from assent_contracts.acceptance import Head
from assent_contracts.heads import HeadInEra
from assent_contracts.topics import LEDGER

Reader = Literal["audit", "status", "notify", "upstream"]

_SQL = load_sql(Path(__file__).with_name("positions.sql"))


class OvertakenError(Exception):
    """Another instance of this reader has moved the position, so this one must roll back."""


class AnotherLogError(Exception):
    """The database is the projection of another log; the message names both."""


async def read_position(
    connection: PostgresConnection, reader: Reader, place: TopicPartition, start: HeadInEra
) -> Head:
    """The head up to which this reader's rows of one ledger partition are durable; `start` at first."""
    key, head = (reader, place.topic, place.partition), start.head
    await connection.execute(
        _SQL["begin"], *key, head.seq, head.value_sha256, head.governance, head.next_offset, start.era
    )
    row = await connection.fetchrow(_SQL["read"], *key)
    assert row is not None
    return Head(*row)


async def read_positions(db: Executor, reader: Reader) -> dict[TopicPartition, HeadInEra]:
    """The head of each ledger partition of which this reader has rows."""
    rows = await db.fetch(_SQL["read_all"], reader)
    return {
        TopicPartition(ledger, partition): HeadInEra(Head(*head), era)
        for ledger, partition, *head, era in rows
    }


async def requests_read(db: Executor, reader: Reader = "status") -> dict[int, HeadInEra]:
    """How far a reader's rows have come, by partition of the request ledger."""
    read = await read_positions(db, reader)
    return {place.partition: head for place, head in read.items() if place.topic == LEDGER}


async def advance_position(
    connection: PostgresConnection, reader: Reader, place: TopicPartition, before: Head, after: HeadInEra
) -> None:
    """Move the position in this transaction. Raises OvertakenError when it is no longer at `before`.

    The row stays locked until the transaction ends. So of two instances the second waits here, and then finds
    that it was overtaken before it has written anything.
    """
    tag = await connection.execute(
        _SQL["advance"],
        reader,
        place.topic,
        place.partition,
        before.seq,
        before.value_sha256,
        after.head.seq,
        after.head.value_sha256,
        after.head.governance,
        after.head.next_offset,
        after.era,
    )
    if tag != "UPDATE 1":
        msg = f"{reader} {place.topic}/{place.partition}: seq {before.seq} is no longer the position"
        raise OvertakenError(msg)


async def claim_database(connection: PostgresConnection, identity: str) -> None:
    """Note the log that this database is for, the first time. Raises AnotherLogError for another one."""
    await connection.execute(_SQL["take_identity"], identity)
    found = await connection.fetchval(_SQL["read_identity"])
    if found != identity:
        msg = (
            f"This database holds the projection of the log {found}, not of {identity}."
            " Give this log its own database."
        )
        raise AnotherLogError(msg)
