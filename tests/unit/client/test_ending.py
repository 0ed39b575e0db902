"""A task that must end does end, though a library under it may swallow a cancellation."""

import asyncio

import pytest

from assent_contracts.client.task_end import end

_SOON_S = 0.01
_LATE_S = 10.0


async def begun(task: asyncio.Task[None]) -> asyncio.Task[None]:
    """The task, once it has run up to the point where it waits."""
    await asyncio.sleep(0)
    return task


async def test_task_that_loses_cancellations_is_canceled_until_it_ends() -> None:
    lost = 0

    async def losing() -> None:
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    task = await begun(asyncio.create_task(losing()))
    async with asyncio.timeout(_LATE_S):
        await end(task, again_s=_SOON_S)
    assert task.cancelled()
    assert lost == 3


async def test_task_that_noticed_the_cancellation_is_left_to_clean_up() -> None:
    tidied = False

    async def tidying() -> None:
        nonlocal tidied
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2 * _SOON_S)
            tidied = True

    task = await begun(asyncio.create_task(tidying()))
    await end(task, again_s=_LATE_S)
    assert task.cancelled()
    assert tidied


async def test_tasks_that_have_ended_or_fail_at_the_end_are_not_an_error() -> None:
    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            msg = "at the end"
            raise RuntimeError(msg)

    ended = asyncio.create_task(asyncio.sleep(0))
    await ended
    failed = await begun(asyncio.create_task(failing()))
    await end(ended, failed)
    assert ended.done()
    with pytest.raises(RuntimeError, match="at the end"):
        failed.result()


async def test_waiting_task_that_is_canceled_stops_waiting() -> None:
    async def deaf() -> None:
        while not heard.is_set():
            try:
                await heard.wait()
            except asyncio.CancelledError:
                continue

    heard = asyncio.Event()
    task = await begun(asyncio.create_task(deaf()))
    ending = await begun(asyncio.create_task(end(task, again_s=_SOON_S)))
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert not task.done()
    heard.set()
    await task
