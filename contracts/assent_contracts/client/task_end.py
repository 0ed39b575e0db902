"""End tasks for sure."""

import asyncio
from typing import Any, Final

_ASK_AGAIN_S: Final = 1.0


async def end(*tasks: asyncio.Task[Any], again_s: float = _ASK_AGAIN_S) -> None:
    """Cancel tasks and return when they have ended, however they did.

    A cancellation can be lost: aiokafka's clients, while they close, take it for that of a task of their own.
    Therefore it is asked for until it is heard: every `again_s`, in which a task that has heard it must have
    tidied up, or that is cut short.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    await asyncio.gather(*tasks, return_exceptions=True)
