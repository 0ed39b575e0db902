"""`python -m tests.simulation --schedules 1000000 --processes 2`: prints the count and each failing seed."""

import argparse
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.run import Failure, fails, run_many, run_one, shortest

_PORTION = 2_000


def main() -> int:
    """Run schedules, or one again. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--from", dest="first", type=int, default=None, help="the first seed; random if absent"
    )
    parser.add_argument("--seed", type=int, help="run this one again, and tell it")
    parser.add_argument("--events", type=int, help="with --seed: only so many of its events")
    asked = parser.parse_args()
    if asked.seed is not None:
        return _again(asked.seed, asked.events)
    first = secrets.randbelow(1 << 40) if asked.first is None else asked.first
    print(f"{asked.schedules:,} schedules, seeds from {first}, in {asked.processes} processes", flush=True)
    started, ran, asked_for, failures = time.perf_counter(), 0, 0, list[Failure]()
    starts = range(first, first + asked.schedules, _PORTION)
    sizes = [min(_PORTION, first + asked.schedules - start) for start in starts]
    with ProcessPoolExecutor(asked.processes) as pool:
        for done, _, found in pool.map(partial(run_many, stop_at=1), starts, sizes):
            ran += done
            failures += found
            for failure in found:
                print(f"seed {failure.seed} fails: told in full at the end", flush=True)
            asked_for += _PORTION
            if asked_for % (50 * _PORTION) == 0:
                rate = ran / (time.perf_counter() - started)
                print(f"{ran:>12,}  {rate:7,.0f}/s  {len(failures)} failures", flush=True)
    seconds = time.perf_counter() - started
    for failure in failures[:10]:
        _tell(failure)
    print(f"{ran:,} schedules in {seconds:,.1f} s: {ran / seconds:,.0f}/s; {len(failures)} failures")
    return 1 if failures else 0


def _tell(failure: Failure) -> None:
    short = shortest(failure)
    print(f"\n--- seed {short.seed}, after {short.events} events\n{short.what}")
    print(f"again: python -m tests.simulation --seed {short.seed} --events {short.events}")


def _again(seed: int, events: int | None) -> int:
    if fails(seed, events) is None:
        run_one(seed, events=events, tell=print)
        print("everything holds")
        return 0
    run_one(seed, events=events, tell=print)
    return 1


if __name__ == "__main__":
    sys.exit(main())
