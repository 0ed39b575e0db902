"""R21: a new approver is notified of the requests that are already waiting."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from assent.notify.audience import approvers, gained
from assent.notify.governance_by_partition import GovernanceByPartition
from assent.notify.outbox import add_messages, listening
from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent.targets.news import Facts, MadeRequest, News
from assent_contracts.acceptance import Accepted
from assent_contracts.access_policies import PolicyTerms
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.governance.state import Governance
from assent_contracts.resources import request_id, resource_type

REQUESTS_MAX: Final = 100
"""One change to governance notifies of at most so many requests, the newest. The console lists all."""
STALE_AFTER_MS: Final = 7 * 24 * 60 * 60 * 1_000
"""Older events notify nobody, whatever the reason for the delay."""
_BEFORE, _AFTER = 0, 1
_SQL = load_sql(Path(__file__).with_name("outbox.sql"))
_decode_terms = msgspec.json.Decoder(tuple[PolicyTerms, ...]).decode


def approvers_of(governance: Governance, request: MadeRequest, among: frozenset[str]) -> frozenset[str]:
    """Those of `among` who can decide on the request, by its policies at submission and now."""
    terms = (*_decode_terms(request.terms), *governance.terms_for(resource_type(request.resource)))
    return approvers(governance, terms, request.person, among)


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
        self._past = GovernanceByPartition(follower)

    async def write(self, connection: PostgresConnection, accepted: Sequence[Accepted]) -> None:
        """Add the messages of these governance records. Raises KafkaError."""
        await connection.execute(_SQL["lock_newcomers"])
        listeners = await listening(connection)
        stale_before = time.time_ns() // 1_000_000 - STALE_AFTER_MS
        for each in accepted:
            record = each.record
            if listeners and record.seq and record.at >= stale_before and record.events is not UNSET:
                await self._tell(connection, record.seq, record.at, listeners)

    async def _tell(
        self, connection: PostgresConnection, seq: int, at: int, listeners: frozenset[str]
    ) -> None:
        before = await self._past.at(_BEFORE, seq - 1)
        after = await self._past.at(_AFTER, seq)
        types, groups = gained(before, after, listeners)
        if not types and not groups:
            return
        rows = await connection.fetch(
            _SQL["waiting_requests"], sorted(types), sorted(groups), seq, REQUESTS_MAX
        )
        for partition, number, *fields in rows:
            request = MadeRequest(*fields)
            new = approvers_of(after, request, listeners) - approvers_of(before, request, listeners)
            facts = Facts(
                resource=request.resource,
                operation=request.operation,
                requester=request.requester,
                on_behalf_of=request.on_behalf_of or "",
            )
            # With the place of the submission, so that people who were notified of it are not notified again.
            news = News(number, at, request_id(partition, number), "needs-approval", new, facts)
            await add_messages(connection, partition, _each(news))


def _each(news: News) -> Iterable[tuple[News, str]]:
    return [(news, recipient) for recipient in sorted(news.recipients)]
