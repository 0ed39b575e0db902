"""Run one schedule, or many."""

import gc
import random
import time
import traceback
from collections.abc import Callable
from typing import Final

import msgspec

from tests.simulation.organisation import FAST_LOG, TIGHT_LOG, Founded, found
from tests.simulation.sets import SetSchedule
from tests.simulation.signatures import REAL
from tests.simulation.world import World

EVENTS: Final = (10, 40)
_REAL_SHARE: Final = 500
"""One schedule in this many signs with Ed25519."""
_SETS_SHARE: Final = 400
"""One in this many is of sets across partitions, which the world, with its one partition, does not have."""
_SET_STEPS: Final = 150
_TIGHT_SHARE: Final = 8
"""One in this many has a rate that people reach."""


class Failure(msgspec.Struct, frozen=True):
    """A schedule in which an invariant did not hold."""

    seed: int
    events: int
    what: str


def run_one(seed: int, *, events: int | None = None, tell: Callable[[str], None] | None = None) -> None:
    """One schedule. Raises the error of what does not hold. `events`: fewer than the seed would run."""
    asked = _events_of(seed) if events is None else events
    if _is_of_sets(seed):
        schedule = SetSchedule(seed, without_coordinator=seed % (4 * _SETS_SHARE) == 1, tell=tell)
        schedule.run(asked)
        schedule.check()
    else:
        World(seed, log=_log_of(seed), tell=tell).run(asked)


def _is_of_sets(seed: int) -> bool:
    return seed % _SETS_SHARE == 1


def _events_of(seed: int) -> int:
    return _SET_STEPS if _is_of_sets(seed) else random.Random(~seed).randrange(*EVENTS)


def _log_of(seed: int) -> Founded:
    if seed % _REAL_SHARE:
        return FAST_LOG if seed % _TIGHT_SHARE else TIGHT_LOG
    if not _REAL:
        _REAL.append(found(REAL))
    return _REAL[0]


_REAL: list[Founded] = []


def fails(seed: int, events: int | None = None) -> Failure | None:
    """What does not hold in a schedule, with the fewest first events that show it; None if all does."""
    try:
        run_one(seed, events=events)
    except Exception as error:  # noqa: BLE001  whatever breaks is what is looked for
        what = "".join(traceback.format_exception(error, limit=-4))
        asked = _events_of(seed) if events is None else events
        return Failure(seed, asked, what)
    return None


def shortest(failure: Failure) -> Failure:
    """The same failure after fewer events, if it occurs by then."""
    for events in range(1, failure.events):
        found_earlier = fails(failure.seed, events)
        if found_earlier is not None:
            return found_earlier
    return failure


def run_many(first_seed: int, schedules: int, *, stop_at: int = 5) -> tuple[int, float, list[Failure]]:
    """How many ran, how many seconds it took, and the first failures."""
    # Worlds are reference cycles: they are collected now and then, all together.
    gc.freeze()
    threshold = gc.get_threshold()
    gc.set_threshold(200_000, 50, 50)
    try:
        return _run_many(first_seed, schedules, stop_at)
    finally:
        gc.set_threshold(*threshold)


def _run_many(first_seed: int, schedules: int, stop_at: int) -> tuple[int, float, list[Failure]]:
    started, failures, ran = time.perf_counter(), list[Failure](), 0
    for seed in range(first_seed, first_seed + schedules):
        ran += 1
        failure = fails(seed)
        if failure is not None:
            failures.append(failure)
            if len(failures) >= stop_at:
                break
    return ran, time.perf_counter() - started, failures
