"""What a decider waits for before it joins its groups."""

import asyncio
from typing import Final

import structlog

from assent.decider.writer_key_check import why_not_listed
from assent.observe.failure_reasons import NOT_FOUNDED
from assent.observe.health import Health
from assent.process_settings import ServiceSettings
from assent_contracts.client.follower import GovernanceFollower, NotFoundedError
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.task_end import pause

LOOK_AGAIN_S: Final = 1.0


async def until_founded(
    settings: ServiceSettings, health: Health, stop: asyncio.Event
) -> GovernanceFollower | None:
    """Follow governance once the topic begins with this log's record 0; None at `stop`.

    A topic that was emptied or recreated is checked again, because the right one may be restored.
    """
    told = False
    while not stop.is_set():
        follower = GovernanceFollower(settings.kafka, settings.identity)
        try:
            await follower.start()
        except NotFoundedError:
            health.not_ready("writer", NOT_FOUNDED)
            if not told:
                told = True
                structlog.get_logger().error("leading nothing", why=NOT_FOUNDED.why, todo=NOT_FOUNDED.todo)
            await pause(stop, LOOK_AGAIN_S)
        else:
            return follower
    return None


async def until_a_writer(
    follower: GovernanceFollower, key: SecretKey, health: Health, stop: asyncio.Event
) -> None:
    """Return when the key is a writer's, or at `stop`. Until then the process joins no group."""
    told = None
    while not stop.is_set():
        follower.check()
        why = why_not_listed(follower, key)
        if why is None:
            health.ready("writer")
            return
        health.not_ready("writer", why)
        if why != told:
            told = why
            structlog.get_logger().error("leading nothing", why=why.why, todo=why.todo)
        await pause(stop, LOOK_AGAIN_S)
