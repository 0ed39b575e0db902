"""Messages that were given up: list them, and send one again."""

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection
from assent.targets.news import OF_FINDINGS, OF_GOVERNANCE, NewsEvent
from assent.targets.urls import TargetKind, masked

LIST_MAX: Final = 1_000
"""The most letters that one call returns."""
_SQL = load_sql(Path(__file__).with_name("dead_letters.sql"))


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that no attempt could deliver."""

    id: int
    request: str
    event: NewsEvent
    recipient: str
    at: int
    """The log time (ms) of the event that it reports."""
    attempts: int
    died_at: datetime
    why: str
    kind: TargetKind
    shown_url: str

    @property
    def about_request(self) -> bool:
        """Whether `request` is a request, and not an object in governance or a finding."""
        return self.event not in OF_GOVERNANCE | OF_FINDINGS


async def dead_letters(
    db: Executor, *, recipient: str | None = None, before: int | None = None, limit: int = 100
) -> list[DeadLetter]:
    """The dead letters of one recipient or all, newest first; `before`: the last page's last id."""
    rows = await db.fetch(_SQL["list"], recipient, before, max(1, min(limit, LIST_MAX)))
    return [
        DeadLetter(
            id=row["id"],
            request=row["request"],
            event=row["event"],
            recipient=row["recipient"],
            at=row["at"],
            attempts=row["attempts"],
            died_at=row["ended_at"],
            why=row["last_error"] or "",
            kind=row["kind"],
            shown_url=masked(row["url"]),
        )
        for row in rows
    ]


async def retry_dead_letter(
    connection: PostgresConnection, letter: int, *, recipient: str | None = None
) -> bool:
    """Send it again now, with as many attempts as a new one; False if there is no such dead letter.

    `recipient`: only theirs.
    """
    async with connection.transaction():
        await connection.execute(_SQL["unpause"], letter, recipient)
        return await connection.execute(_SQL["retry"], letter, recipient) == "UPDATE 1"
