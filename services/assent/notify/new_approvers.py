"""R21: a new approver is notified of the requests that are already waiting."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import UNSET

from assent.notify.audience import approvers, gained
from assent.notify.facts import asking
from assent.notify.known_requests import requests_needing_approval
from assent.notify.outbox import add_messages, listening, to_recipients
from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent.targets.news import News
from assent_contracts.acceptance import Accepted
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import now_ms
from assent_contracts.resources import request_id

REQUESTS_MAX: Final = 100
"""One change to governance notifies of at most so many requests, the newest. The console lists all."""
STALE_AFTER_MS: Final = 7 * 24 * 60 * 60 * 1_000
"""Older events notify nobody, whatever the reason for the delay."""
_SQL = load_sql(Path(__file__).with_name("outbox.sql"))


async def governance_told(connection: PostgresConnection) -> int:
    """The governance seq up to which newcomers have been notified; -1 at first.

    It does not change until the transaction ends: the caller then holds a lock for which `NewApprovers.write`
    waits.
    """
    await connection.execute(_SQL["share_newcomers"])
    told = await connection.fetchval(_SQL["governance_told"])
    return -1 if told is None else told


class NewApprovers:
    """Writes the outbox's rows for governance records."""

    def __init__(self, follower: GovernanceFollower) -> None:
        """`follower` must have been started."""
        self._follower = follower

    async def write(self, connection: PostgresConnection, accepted: Sequence[Accepted]) -> None:
        """Add the messages of these governance records. Raises KafkaError."""
        await connection.execute(_SQL["lock_newcomers"])
        listeners = await listening(connection)
        oldest = stale_before()
        for each in accepted:
            record = each.record
            if listeners and record.seq and record.at >= oldest and record.events is not UNSET:
                await self._tell(connection, record.seq, record.at, listeners)

    async def _tell(
        self, connection: PostgresConnection, seq: int, at: int, listeners: frozenset[str]
    ) -> None:
        after = await self._follower.state_at(seq)
        before = self._follower.past.at(seq - 1)
        types, groups = gained(before, after, listeners, at)
        if not types and not groups:
            return
        for partition, request in await requests_needing_approval(
            connection, types, groups, seq, REQUESTS_MAX
        ):
            able = approvers(request.state, after, at, listeners)
            new = able - approvers(request.state, before, at, able)
            number = request.submission.seq
            facts = asking(request, after)
            # With the place of the submission, so that people who were notified of it are not notified again.
            news = News(number, at, request_id(partition, number), "needs-approval", new, facts)
            await add_messages(connection, partition, to_recipients(news))


def stale_before() -> int:
    """The log time, ms, before which events notify nobody."""
    return now_ms() - STALE_AFTER_MS
