"""The commands that this service sends: their bytes are durable first, so sending again changes nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection
from assent_contracts.codec import encode
from assent_contracts.commands import Command
from assent_contracts.digests import sha256_hex
from assent_contracts.partitioner import partition_for

Purpose = Literal["submit", "complete", "claim", "report"]
_SQL: Final = load_sql(Path(__file__).with_name("commands.sql"))


class DueCommand(msgspec.Struct, frozen=True):
    """A command to send now."""

    id: int
    source: str
    resource: str
    partition: int
    value: bytes


class SentCommand(msgspec.Struct, frozen=True):
    """A command of which no decision is known yet."""

    id: int
    source: str
    event: int | None
    request: str | None
    purpose: Purpose
    sha256: str
    sent_offset: int | None


async def add_command(
    connection: PostgresConnection,
    command: Command,
    purpose: Purpose,
    *,
    source: str,
    partitions: int,
    event: int | None = None,
    request: str | None = None,
) -> None:
    """Add a command, to be sent once this transaction is durable."""
    value = encode(command)
    await connection.execute(
        _SQL["add"],
        source,
        event,
        request,
        purpose,
        command.resource,
        partition_for(command.resource.encode(), partitions),
        value,
        sha256_hex(value),
    )


async def is_under_way(connection: PostgresConnection, request: str, purpose: Purpose) -> bool:
    """Whether a command of this purpose waits for its decision."""
    return bool(await connection.fetchval(_SQL["under_way"], request, purpose))


async def due_commands(db: Executor, limit: int, again_s: float) -> list[DueCommand]:
    """Commands to send, in order. They are due again after `again_s`, unless their decision is there."""
    rows = await db.fetch(_SQL["due"], limit, again_s)
    return sorted((DueCommand(*row) for row in rows), key=lambda each: each.id)


async def placed(db: Executor, command: int, offset: int) -> None:
    """Note the offset at which the broker has it."""
    await db.execute(_SQL["placed"], command, offset)


async def retry(db: Executor, command: int, after_s: float) -> None:
    """Send it again after a while."""
    await db.execute(_SQL["retry"], command, after_s)


async def commands_by(
    connection: PostgresConnection, partition: int, hashes: Sequence[str], offsets: Sequence[int]
) -> list[SentCommand]:
    """The undecided commands of a partition with one of these hashes, or sent to one of these offsets."""
    rows = await connection.fetch(_SQL["by_hash"], partition, hashes, offsets)
    return [SentCommand(*row) for row in rows]


async def decided(connection: PostgresConnection, command: int, code: str | None) -> None:
    """Its decision is known; `code`: of the refusal."""
    await connection.execute(_SQL["decided"], command, code)


async def again_at(connection: PostgresConnection, command: int, at_ms: int) -> None:
    """It was refused only for now: the same bytes are sent again at a time (ms)."""
    await connection.execute(_SQL["again_at"], command, at_ms)
