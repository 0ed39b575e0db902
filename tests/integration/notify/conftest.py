"""A decided log, a migrated database for each test, and notify in this process."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import msgspec
import pytest

from assent.notify.delivery_loop import SENDING, Pace
from assent.notify.notify_settings import NotifySettings
from assent.notify.service import notify
from assent.observe.health import Health
from tests.support.containers import Endpoints
from tests.support.log import Log
from tests.support.readers import Running, settings_for
from tests.support.receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver
from tests.support.stack import migrated_database

PUBLIC = "https://assent.example.com"
OWN = NotifySettings(public_url=PUBLIC, allow_private=True, attempts=3)
PACE = Pace(
    timeout_s=3,
    gather_s=0,
    poll_s=0.05,
    tidy_every_s=0.2,
    stop_limit_s=1,
    wait_s=lambda _failures, _chance: 0.2,
)
"""As in production, but with short times."""
_numbers = itertools.count()

Notifying = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
async def dsn(running: Endpoints) -> str:
    """A migrated database of the test's own."""
    return await migrated_database(running.dsn, f"notify_{next(_numbers)}")


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to it."""
    connection = await asyncpg.connect(dsn)
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=str, decoder=lambda text: msgspec.Raw(text.encode())
        )
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def notifying(log: Log, dsn: str) -> Notifying:
    """The service in this process, in a consumer group of the test's own."""
    group = f"notify-{next(_numbers)}"

    @asynccontextmanager
    async def start(own: NotifySettings = OWN, pace: Pace = PACE, suffix: str = "") -> AsyncIterator[Running]:
        health, stop = Health("kafka", "postgres", SENDING), asyncio.Event()
        task = asyncio.create_task(
            notify(settings_for(log, dsn), own, pace, health, stop, group=group + suffix)
        )
        try:
            yield Running(health, task)
        finally:
            stop.set()
            if not task.cancelled():
                await task

    return start


def mail_to(mail: MailReceiver, address: str = "bob@example.com") -> str:
    """The URL of a target on the mail server."""
    return f"mailto://127.0.0.1:{mail.port}?to={address}&from=assent@example.com&mode=insecure"


@pytest.fixture
async def web() -> AsyncIterator[WebReceiver]:
    async with web_receiver() as receiver:
        yield receiver


@pytest.fixture
async def mail() -> AsyncIterator[MailReceiver]:
    async with mail_receiver() as receiver:
        yield receiver
