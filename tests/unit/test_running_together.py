"""Parts of a process that run together: they end together, and no failure is lost."""

import asyncio

import pytest

from assent.process import run_together


class BrokenError(Exception):
    """What a part fails with."""


async def test_a_failure_of_one_stops_the_others_which_finish_their_work() -> None:
    stop, done = asyncio.Event(), list[str]()

    async def works() -> None:
        await stop.wait()
        await asyncio.sleep(0)
        done.append("finished")

    async def fails() -> None:
        raise BrokenError

    with pytest.raises(BrokenError):
        await run_together(stop, works(), fails())
    assert done == ["finished"]


async def test_all_end_when_they_are_told_to_stop() -> None:
    stop = asyncio.Event()

    async def works() -> None:
        await stop.wait()

    running = asyncio.create_task(run_together(stop, works(), works()))
    await asyncio.sleep(0)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_a_cancellation_reaches_every_part_at_once() -> None:
    stop, started, ended = asyncio.Event(), asyncio.Event(), list[bool]()

    async def works() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(stop.is_set())
            raise

    running = asyncio.create_task(run_together(stop, works(), works()))
    await started.wait()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
    # As after a crash: nothing was told to finish.
    assert ended == [False, False]
