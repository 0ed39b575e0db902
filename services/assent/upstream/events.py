"""The events that sources received: durable before a sender is answered, each of them once."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection

REASON_MAX_CHARS: Final = 500
UNKNOWN_KEPT: Final = 1_000
"""How many dead letters of a source are kept of which nobody is known to be the sender."""
LIST_MAX: Final = 1_000
"""The most dead letters that one call returns or sends again."""
SQL: Final = load_sql(Path(__file__).with_name("events.sql"))


class StoredEvent(msgspec.Struct, frozen=True):
    """An event whose turn it is."""

    id: int
    source: str
    event: str
    document: bytes
    secret: bytes | None
    resends: int
    attempts: int


class DeadEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is no request, and why."""

    id: int
    source: str
    event: str
    received_at: datetime
    died_at: datetime
    resends: int
    code: str
    """A refusal's code, or `mapping`, `signature`, `size`, `gate`, `git`, `kafka` or `folder`."""
    reason: str
    can_resend: bool
    """False if its content was not kept, because nobody is known to have sent it."""
    bytes: int | None


async def receive(
    db: Executor,
    source: str,
    event: str,
    document: bytes,
    *,
    content_sha256: str | None = None,
    secret: bytes | None = None,
) -> bool:
    """Make an event durable; False if it was received before. Raises asyncpg.PostgresError."""
    row = await db.fetchval(SQL["receive"], source, event, content_sha256, document, secret)
    return row is not None


async def receive_many(db: Executor, source: str, events: Sequence[tuple[str, bytes]]) -> None:
    """Make events (id, document) durable, those that were not received before."""
    await db.execute(SQL["receive_many"], source, [each for each, _ in events], [doc for _, doc in events])


async def refuse(
    db: Executor, source: str, event: str, code: str, reason: str, document: bytes | None = None
) -> None:
    """Keep a dead letter of an event that was not accepted. Without a document it cannot be sent again."""
    await db.execute(SQL["refuse"], source, event, code, reason[:REASON_MAX_CHARS], document)
    if document is None:
        await db.execute(SQL["trim"], source, UNKNOWN_KEPT)


async def take(connection: PostgresConnection) -> StoredEvent | None:
    """The next waiting event, locked for this transaction."""
    row = await connection.fetchrow(SQL["take"])
    return None if row is None else StoredEvent(*row)


async def die(connection: PostgresConnection, event: int, code: str, reason: str) -> None:
    """The event becomes a dead letter."""
    await connection.execute(SQL["dead"], event, code, reason.replace("\0", "�")[:REASON_MAX_CHARS])


async def dead_events(
    db: Executor, *, source: str | None = None, before: int | None = None, limit: int = 100
) -> list[DeadEvent]:
    """The dead letters, newest first; `before`: the last page's last id."""
    rows = await db.fetch(SQL["list_dead"], source, before, max(1, min(limit, LIST_MAX)))
    return [
        DeadEvent(
            id=row["id"],
            source=row["source"],
            event=row["event"],
            received_at=row["received_at"],
            died_at=row["ended_at"],
            resends=row["resends"],
            code=row["code"] or "",
            reason=row["reason"] or "",
            can_resend=row["can_resend"],
            bytes=row["bytes"],
        )
        for row in rows
    ]


async def resend(db: Executor, *, event: int | None = None, source: str | None = None) -> list[int]:
    """Have dead letters mapped and submitted again, with a new command id; returns their ids.

    At most LIST_MAX at once, the oldest first. Those without content stay.
    """
    return [row["id"] for row in await db.fetch(SQL["resend"], event, source, LIST_MAX)]


async def position(db: Executor, source: str, place: str) -> str | None:
    """How far a source has come; None at first."""
    return await db.fetchval(SQL["position"], source, place)


async def advance(connection: PostgresConnection, source: str, place: str, to: str) -> None:
    """Move a position, in the transaction that makes its output durable."""
    await connection.execute(SQL["advance"], source, place, to)
