"""The notify service: fills the outbox from the ledger, and sends its messages to people's targets."""

import asyncio
import logging
import ssl
from contextlib import AsyncExitStack
from typing import Final

from assent.notify.delivery_loop import SENDING, DeliveryLoop, Pace
from assent.notify.news_intake import NewsIntake
from assent.notify.notify_settings import NotifySettings, read_notify_settings
from assent.notify.outbox_queue import OutboxQueue
from assent.observe.health import Health
from assent.process import run_together
from assent.process_settings import ServiceSettings, need
from assent.store.pool import open_pool
from assent.store.reader_service import KAFKA, ReaderSpec, followed_governance, reached, serve_reader
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.task_end import end, pause
from assent_contracts.topics import GOVERNANCE, LEDGER

__all__ = ["SENDING", "notify", "reader_of", "serve"]
_POOL_SIZE: Final = 4
_CHECK_EVERY_S: Final = 2.0


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """R17: notify people of what waits for them until `stop`. Raises what `serve_reader` raises."""
    await notify(settings, read_notify_settings(), Pace(), health, stop)


def reader_of(intake: NewsIntake) -> ReaderSpec:
    """The reader of both ledgers that fills the outbox."""
    return ReaderSpec(reader="notify", role="assent_notify", topics=(LEDGER, GOVERNANCE), write=intake.write)


async def notify(
    settings: ServiceSettings,
    own: NotifySettings,
    pace: Pace,
    health: Health,
    stop: asyncio.Event,
    *,
    group: str | None = None,
) -> None:
    """`serve` with all its settings. `group`: a consumer group other than the default."""
    for name in ("httpx", "httpcore"):
        # They log URLs, which are secret here.
        logging.getLogger(name).setLevel(logging.WARNING)
    dsn = need(settings.postgres, "ASSENT_POSTGRES")
    async with AsyncExitStack() as open_things:
        pool = await open_pool(dsn, "assent_notify", application="assent-notify-sender", size=_POOL_SIZE)
        open_things.callback(pool.terminate)
        sender = DeliveryLoop(
            OutboxQueue(pool, lease_s=pace.lease_s), own, health, pace, ssl.create_default_context()
        )
        await run_together(stop, sender.run(stop), _take_in(settings, health, stop, group))


async def _take_in(settings: ServiceSettings, health: Health, stop: asyncio.Event, group: str | None) -> None:
    # The reader's own follower is for checking seals. This one is for finding who can decide.
    follower = await _follower(settings, health, stop)
    if follower is None:
        return
    try:
        reader = reader_of(NewsIntake(follower))
        reading = serve_reader(reader, settings, health, stop, group=group)
        await run_together(stop, reading, _watch(follower, stop))
    finally:
        await follower.stop()


async def _follower(
    settings: ServiceSettings, health: Health, stop: asyncio.Event
) -> GovernanceFollower | None:
    """A started follower, or None when `stop` was set before Kafka could be reached."""
    reaching = asyncio.create_task(reached(health, KAFKA, lambda: followed_governance(settings)))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((reaching, stopping), return_when=asyncio.FIRST_COMPLETED)
        return reaching.result() if reaching.done() else None
    finally:
        await end(reaching, stopping)


async def _watch(follower: GovernanceFollower, stop: asyncio.Event) -> None:
    while not stop.is_set():
        follower.check()
        await pause(stop, _CHECK_EVERY_S)
