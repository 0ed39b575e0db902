"""R29 in random schedules: no member without its set, all or nothing, and no lock that stays."""

import random

import pytest

from tests.simulation.sets import SetSchedule, seen


def test_R29_every_schedule_is_all_or_nothing_and_ends_with_all_locks_free(dice: random.Random) -> None:
    released = 0
    for _ in range(60):
        seed = dice.randrange(1 << 32)
        schedule = SetSchedule(seed)
        try:
            schedule.run()
            schedule.check()
        except AssertionError as error:
            pytest.fail(f"seed {seed}: {error}")
        released += seen(schedule)["released"]
    assert released > 0, "some sets are released"


def test_R29_no_lock_stays_without_a_coordinator(dice: random.Random) -> None:
    for _ in range(20):
        seed = dice.randrange(1 << 32)
        schedule = SetSchedule(seed, without_coordinator=True)
        try:
            schedule.run()
            schedule.check()
        except AssertionError as error:
            pytest.fail(f"seed {seed}: {error}")
