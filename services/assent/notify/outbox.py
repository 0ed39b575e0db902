"""The outbox's rows, and the principals who have a target."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent.targets.news import News

CLOCK_SLACK_MS: Final = 5 * 60 * 1_000
_SQL = load_sql(Path(__file__).with_name("outbox.sql"))


async def listening(connection: PostgresConnection) -> frozenset[str]:
    """The principals who have a target."""
    return frozenset(row["principal"] for row in await connection.fetch(_SQL["listeners"]))


def to_recipients(news: News) -> list[tuple[News, str]]:
    """The news once for each recipient, as `add_messages` takes it."""
    return [(news, recipient) for recipient in sorted(news.recipients)]


async def add_messages(
    connection: PostgresConnection, partition: int, batch: Iterable[tuple[News, str]]
) -> None:
    """Add a message for each target of each recipient, unless it already exists."""
    rows = tuple(batch)
    if not rows:
        return
    await connection.execute(
        _SQL["add_notifications"],
        partition,
        [news.seq for news, _ in rows],
        [news.at for news, _ in rows],
        [news.request for news, _ in rows],
        [news.event for news, _ in rows],
        [recipient for _, recipient in rows],
        [msgspec.json.encode(news.facts).decode() for news, _ in rows],
        CLOCK_SLACK_MS,
    )
