"""Puts one fault after the other into a copy of the tree and runs the fast suites."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from tests.faults.fault import Fault

ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = ("contracts", "services", "tests", "infra", "pyproject.toml", "SECURITY.md", "CHANGELOG.md")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.egg-info", "pictures", "browser", "e2e")
_TIMEOUT_S: Final = 300.0
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_SEED: Final = re.compile(r"--seed (\d+)")


class Caught(msgspec.Struct, frozen=True):
    """What has noticed a fault: a test, a seed, both, or nothing."""

    fault: Fault
    test: str | None
    seed: int | None
    seconds: float


def copy_of_the_tree(folder: Path) -> Path:
    """A copy of the tree that may be broken."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=_LEFT_OUT)
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def seed(fault: Fault, tree: Path, *, schedules: int, both: bool) -> Caught:
    """Break the copy, see what notices it, and restore it. Raises ValueError for a patch that does not fit.

    `both`: run the simulation even if a unit test has noticed it.
    """
    path = tree / fault.file
    whole = path.read_text()
    if whole.count(fault.old) != 1:
        msg = f"{fault.breaks}: the patch does not fit {fault.file}"
        raise ValueError(msg)
    broken = whole.replace(fault.old, fault.new)
    # A patch that does not compile would prove nothing.
    compile(broken, fault.file, "exec")
    started = time.monotonic()
    path.write_text(broken)
    try:
        test = _by_tests(fault, tree)
        noticed = _by_simulation(tree, schedules) if both or test is None else None
    finally:
        path.write_text(whole)
    return Caught(fault, test, noticed, time.monotonic() - started)


def _by_tests(fault: Fault, tree: Path) -> str | None:
    options = ("-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no")
    done = _run(tree, "pytest", *options, *fault.tests)
    if done.returncode == 0:
        return None
    failed = _FAILED.search(done.stdout)
    if failed is None:
        msg = f"{fault.breaks}: pytest ended with {done.returncode}\n{done.stdout}{done.stderr}"
        raise RuntimeError(msg)
    return failed[1]


def _by_simulation(tree: Path, schedules: int) -> int | None:
    if not schedules:
        return None
    options = ("--schedules", str(schedules), "--processes", "1", "--from", "1")
    done = _run(tree, "tests.simulation", *options)
    if done.returncode == 0:
        return None
    found = _SEED.search(done.stdout)
    # A fault may prevent a world from being founded at all: that counts as noticed.
    return -1 if found is None else int(found[1])


def _run(tree: Path, module: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(tree / each) for each in ("contracts", "services"))
    return subprocess.run(
        [sys.executable, "-B", "-m", module, *options],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
