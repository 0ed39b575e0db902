"""A decider that is paused for a while and resumes as if nothing had happened."""

import pytest

from tests.support.services import Running
from tests.support.stack import until
from tests.support.world import World


async def until_says(service: Running, text: str, times: int, timeout_s: float = 60.0) -> None:
    async def says() -> bool:
        return service.says(text) >= times

    await until(says, timeout_s=timeout_s)


@pytest.mark.timeout(180)
async def test_paused_decider_that_resumes_after_a_takeover_changes_nothing(faulty: World) -> None:
    [first] = faulty.start("decider", instance="-1")
    faulty.load.start()
    await faulty.load.until_decided(50)
    [second] = faulty.start("decider", instance="-2")
    await until_says(second, '"took over"', 2)
    await faulty.load.until_decided(50)
    # Only the group's session timeout shows that it has stopped; then the other one leads all four.
    first.pause()
    await until_says(second, '"took over"', 4)
    await faulty.load.until_decided(50)
    first.resume()
    await faulty.load.until_decided(100)
    await faulty.load.finish()
    await faulty.settled(applied=False, tables=False)


async def test_writers_paused_in_turn_never_fork_the_ledger(faulty: World) -> None:
    both = faulty.start("forced", instance="-1") + faulty.start("forced", instance="-2")
    for each in both:
        await until_says(each, '"took over"', 4)
    faulty.load.start()
    for number in range(10):
        both[number % 2].pause()
        await faulty.load.until_decided(30)
        both[number % 2].resume()
        await faulty.load.until_decided(5)
    await faulty.load.finish()
    await faulty.settled(applied=False, tables=False)
    assert all(each.says('"lost the lead: starting over"') for each in both)
