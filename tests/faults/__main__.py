"""`python -m tests.faults`: seeds every fault in a copy of the tree and prints what catches it."""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault
from tests.faults.seeding import Caught, copy_of_the_tree, seed


def main() -> int:
    """Seed the faults. Returns 1 if one is not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--schedules", type=int, default=1_500, help="for each fault that no unit test notices"
    )
    parser.add_argument("--both", action="store_true", help="ask the simulation where a test has noticed too")
    parser.add_argument("--only", default="", help="faults whose name or file has this in it")
    asked = parser.parse_args()
    chosen = [each for each in FAULTS if asked.only in each.breaks or asked.only in each.file]
    started, uncaught = time.monotonic(), list[Caught]()
    print(
        f"{len(chosen)} faults, each before its unit tests, then {asked.schedules:,} schedules\n", flush=True
    )
    with ProcessPoolExecutor(asked.processes) as pool:
        for caught in pool.map(partial(_seed_one, schedules=asked.schedules, both=asked.both), chosen):
            _tell(caught)
            if caught.test is None and caught.seed is None:
                uncaught.append(caught)
    print(f"\n{len(chosen) - len(uncaught)} of {len(chosen)} caught in {time.monotonic() - started:,.0f} s")
    return 1 if uncaught else 0


def _seed_one(fault: Fault, *, schedules: int, both: bool) -> Caught:
    with tempfile.TemporaryDirectory(prefix="assent-fault-") as folder:
        return seed(fault, copy_of_the_tree(Path(folder)), schedules=schedules, both=both)


def _tell(caught: Caught) -> None:
    test = "-" if caught.test is None else caught.test.rpartition("/")[2]
    by_seed = {None: "-", -1: "at once"}.get(caught.seed, f"seed {caught.seed}")
    missed = "" if caught.test or caught.seed else "   NOT CAUGHT"
    print(
        f"{caught.fault.breaks:75.75} | {test:90.90} | {by_seed:9} | {caught.seconds:4.0f} s{missed}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
