"""Run a blocking call in a thread of its own, which need not be waited for.

A pool would not do: all of its threads could be stuck at once, and the process could not end before they do.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")


async def in_own_thread(work: Callable[[], _T], name: str) -> _T:
    """What `work` returns; raises what it raises. A cancelled wait leaves the thread running."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(result)  # type: ignore[arg-type]
        else:
            outcome.set_exception(error)

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  it is raised where it is waited for
            failed = error
        # The loop may have ended by then.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await outcome
