"""Run several coroutines until one of them ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from assent_contracts.client.task_end import end


async def until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Run all of them until one ends, then cancel the others. Raises what that one raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(*tasks)
