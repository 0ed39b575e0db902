"""End tasks reliably, and pause until a stop."""

import asyncio
from contextlib import suppress
from typing import Any, Final

_ASK_AGAIN_S: Final = 1.0


async def end(*tasks: asyncio.Task[Any], again_s: float = _ASK_AGAIN_S) -> None:
    """Cancel tasks and return when they have ended in any way.

    A cancellation can be lost: aiokafka's clients, while they close, mistake it for that of one of their own
    tasks. So it is repeated every `again_s`. A task must clean up within that time, or its cleanup is cut
    short.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    await asyncio.gather(*tasks, return_exceptions=True)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Return when `stop` is set, after `seconds` at the latest."""
    # Not wait_for: before Python 3.12 it may lose a cancellation.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
