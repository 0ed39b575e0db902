"""Values fetched from elsewhere: rarely, once for all who ask, and usable without the origin for a while."""

import asyncio

import pytest

from assent.gateway.identity.cached_value import AGAIN_AFTER_S, STALE_S, CachedValue

FRESH_S = 300.0


class Origin:
    """An origin that publishes a number, with a clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1_000.0
        self.fetched = 0
        self.is_down = False
        self.kept = CachedValue(self.fetch, fresh_s=FRESH_S, failures=OSError, clock=lambda: self.at)

    async def fetch(self) -> int:
        self.fetched += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise OSError("down")
        return self.fetched


async def test_value_is_fetched_on_first_use_and_kept_while_fresh() -> None:
    origin = Origin()
    assert origin.fetched == 0
    assert await origin.kept.get() == 1
    origin.at += FRESH_S - 1
    assert await origin.kept.get() == 1
    origin.at += 1
    assert await origin.kept.get() == 2


async def test_many_concurrent_callers_cause_one_fetch() -> None:
    origin = Origin()
    assert await asyncio.gather(*(origin.kept.get() for _ in range(100))) == [1] * 100
    assert await asyncio.gather(*(origin.kept.get(again=True) for _ in range(100))) == [2] * 100


async def test_repeated_requests_cause_a_fetch_every_few_seconds_at_most() -> None:
    origin = Origin()
    await origin.kept.get()
    for _ in range(50):
        origin.at += AGAIN_AFTER_S / 10
        await origin.kept.get(again=True)
    assert origin.fetched in (1 + 5, 1 + 6)


async def test_value_outlives_an_unreachable_origin_but_not_for_ever() -> None:
    origin = Origin()
    await origin.kept.get()
    origin.is_down = True
    origin.at += STALE_S - 1
    assert await origin.kept.get() == 1
    origin.at += AGAIN_AFTER_S
    with pytest.raises(OSError, match="down"):
        await origin.kept.get()


async def test_unreachable_origin_is_not_asked_by_every_caller_and_is_found_again() -> None:
    origin = Origin()
    origin.is_down = True
    for _ in range(10):
        with pytest.raises(OSError, match="down"):
            await origin.kept.get()
    assert origin.fetched == 1
    origin.is_down = False
    origin.at += AGAIN_AFTER_S
    assert await origin.kept.get() == 2
