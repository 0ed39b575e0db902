"""Whether the log still has what this gateway knows of it, from Postgres and from its own reading."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import asyncpg

from assent.gateway.log_connection import LogConnection
from assent.observe.failure_reasons import reason_of
from assent.observe.health import Health
from assent.store.postgres_heads import known_in_postgres
from assent.store.reader_service import UNREACHABLE
from assent_contracts.client.follower import GovernanceFollower, NotWholeError
from assent_contracts.client.publisher import Publisher
from assent_contracts.heads import KnownHead, Place

EVERY_S: Final = 2.0
_GOVERNANCE: Final[Place] = ("governance", 0)


async def refuse_shortened_governance(db: asyncpg.Pool, follower: GovernanceFollower) -> None:
    """Compare governance, as it was followed, with what Postgres knows. Raises NotWholeError.

    In a ledger restored to an earlier state, a disabled account would be enabled again.
    """
    known = await known_in_postgres(db, follower)
    await _compare(follower, known)


async def _compare(follower: GovernanceFollower, known: Mapping[Place, KnownHead]) -> None:
    finding = await follower.hold_against(known[_GOVERNANCE]) if _GOVERNANCE in known else None
    if finding is not None:
        raise NotWholeError(finding)


async def learn_known_heads(db: asyncpg.Pool, follower: GovernanceFollower, publisher: Publisher) -> None:
    """Pass what Postgres knows to the publisher. Raises NotWholeError, KafkaError, asyncpg's errors."""
    known = await known_in_postgres(db, follower)
    await _compare(follower, known)
    publisher.know({number: head for (ledger, number), head in known.items() if ledger == "ledger"})


async def keep_learning_known_heads(
    db: asyncpg.Pool, log: LogConnection, health: Health, *, on_change: Callable[[], None]
) -> None:
    """Repeat `learn` until cancelled. Readiness names each partition that lacks records.

    `on_change`: called when the set of these partitions changes. Raises NotWholeError.
    """
    told: set[int] = set()
    while True:
        with suppress(*UNREACHABLE):
            await learn_known_heads(db, log.follower, log.publisher)
        findings = dict(log.publisher.findings)
        for partition in told - findings.keys():
            health.ready(_condition(partition))
        for partition, finding in findings.items():
            health.not_ready(_condition(partition), reason_of(finding))
        if told != findings.keys():
            on_change()
        told = set(findings)
        await asyncio.sleep(EVERY_S)


def _condition(partition: int) -> str:
    return f"ledger-{partition}"
