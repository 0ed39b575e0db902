"""R17: `python -m assent.notify` through SIGKILL and SIGTERM."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from assent.targets.own_targets import add_target
from tests.integration.notify.test_failures import listens, statuses
from tests.support.log import Actor, Log
from tests.support.receivers import WebReceiver
from tests.support.services import Running, Services
from tests.support.stack import until

_KILLS = 5
_MESSAGES = 40


@pytest.fixture
async def services(log: Log, dsn: str, tmp_path: Path) -> AsyncIterator[Services]:
    """Starts processes that are configured with this log and this database."""
    environ = {
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_POSTGRES": dsn,
        "ASSENT_NOTIFY_ALLOW_PRIVATE": "1",
        "ASSENT_PUBLIC_URL": "https://assent.example.com",
    }
    async with Services(tmp_path, environ) as made:
        yield made


async def kill(service: Running, db: asyncpg.Connection) -> None:
    """SIGKILL; afterwards the time is advanced so that its leases have ended."""
    os.kill(service.pid, signal.SIGKILL)

    async def gone() -> bool:
        # Postgres may still be executing its last statement.
        return not await db.fetchval(
            "select exists (select from pg_stat_activity"
            " where datname = current_database() and application_name like 'assent-notify%')"
        )

    await until(gone)
    await db.execute("update notification_targets set leased_until = now() where leased_until > now()")


async def waiting(db: asyncpg.Connection, count: int) -> None:
    """Wait until the outbox contains this many messages."""

    async def there() -> bool:
        return len(await statuses(db)) == count

    await until(there, timeout_s=60)


async def test_R17_killed_while_sending_it_loses_nothing_and_repeats_only_the_message_in_flight(
    actor: Actor, services: Services, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.holds = True
    await listens(db, "bob", web.url())
    service = services.start("notify")
    for _ in range(5):
        await actor.opened(f"script/{uuid4()}", principal="alice")
    await waiting(db, 5)

    async def held() -> bool:
        return len(web.received) == 1

    await until(held)
    await kill(service, db)
    web.holds = False
    service.revive()

    async def all_sent() -> bool:
        return await statuses(db) == ["sent"] * 5

    await until(all_sent)
    times = Counter(each.id for each in web.received)
    assert times.pop(web.received[0].id) == 2
    assert list(times.values()) == [1, 1, 1, 1]


async def test_R17_killed_again_and_again_it_repeats_at_most_one_message_per_kill(
    actor: Actor, services: Services, db: asyncpg.Connection, web: WebReceiver
) -> None:
    await listens(db, "bob", web.url())
    web.holds = True
    service = services.start("notify")
    await asyncio.gather(*(actor.opened(f"script/{uuid4()}", principal="alice") for _ in range(_MESSAGES)))
    await waiting(db, _MESSAGES)
    await kill(service, db)
    web.holds = False
    for turn in range(1, _KILLS + 1):
        service.revive()

        async def some_more(wanted: int = turn * _MESSAGES // (_KILLS + 2)) -> bool:
            return len({each.id for each in web.received}) >= wanted

        await until(some_more)
        await kill(service, db)
    service.revive()

    async def all_sent() -> bool:
        return await statuses(db) == ["sent"] * _MESSAGES

    await until(all_sent)
    times = Counter(each.id for each in web.received)
    assert len(times) == _MESSAGES
    assert sum(times.values()) <= _MESSAGES + _KILLS + 1
    assert service.deaths == [-signal.SIGKILL] * (_KILLS + 1)


async def test_R17_told_to_stop_it_stops_and_leaves_no_lease(
    actor: Actor, services: Services, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.holds = True
    await add_target(db, "bob", "webhook", web.url(), allow_private=True)
    service = services.start("notify")
    await actor.opened(f"script/{uuid4()}", principal="alice")

    async def held() -> bool:
        return bool(web.received)

    await until(held)
    service.ask_to_stop()
    async with asyncio.timeout(15):
        await asyncio.to_thread(service.gone)
    assert service._popen.returncode == 0, signal.SIGTERM
    assert service.says('"stopped"') == 1
    assert set(await statuses(db)) == {"waiting"}
    assert await db.fetchval("select leased_until <= now() from notification_targets")
