"""`make mutants`: which small changes to the rules of requests and to the messages does no test notice?

mutmut wants the package that it changes at the top of the tree. So it works on a copy of this one, in
build/mutants, where a run that was stopped continues.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COPY: Final = ROOT / "build" / "mutants"
COPIED: Final = (
    *("contracts", "docs", "infra", "services", "tests"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "README.md", "SECURITY.md", "pyproject.toml"),
)
OUTCOMES: Final = {0: "survived", 1: "noticed", 3: "noticed", 33: "no test runs it", None: "not run"}
"""What mutmut records for a mutant. Anything else is a test that ended otherwise, such as by its timeout."""


def copy_tree() -> None:
    """Make the copy, or bring it up to date."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, COPY / name, dirs_exist_ok=True, ignore=_left_out)
        else:
            shutil.copy2(ROOT / name, COPY / name)
    package = ROOT / "contracts" / "assent_contracts"
    shutil.copytree(package, COPY / "assent_contracts", dirs_exist_ok=True, ignore=_left_out)
    # Tests find the vectors beside the package.
    shutil.copytree(ROOT / "contracts" / "vectors", COPY / "vectors", dirs_exist_ok=True)
    link = COPY / "contracts" / "assent_contracts"
    if not link.is_symlink():
        link.symlink_to(Path("..") / "assent_contracts")


def _left_out(folder: str, names: list[str]) -> set[str]:
    package = Path(folder) == ROOT / "contracts"
    return {name for name in names if name == "__pycache__" or (package and name == "assent_contracts")}


def outcomes() -> Iterator[tuple[str, str]]:
    """Each mutant with its outcome."""
    for file in sorted((COPY / "mutants" / "assent_contracts").rglob("*.meta")):
        for name, code in json.loads(file.read_text())["exit_code_by_key"].items():
            yield name, OUTCOMES.get(code, "noticed")


def main() -> int:
    """Run, print who survived, and the score."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", help="a module of assent_contracts, such as core.requests.close")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    COPY.mkdir(parents=True, exist_ok=True)
    copy_tree()
    chosen = [f"assent_contracts.{arguments.only}*"] if arguments.only else []
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(arguments.processes), *chosen]
    # Nothing may lead past the copy to the package as it is.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=COPY, env=environment, check=False).returncode
    counted = Counter[str]()
    for name, outcome in outcomes():
        counted[outcome] += 1
        if outcome in ("survived", "no test runs it"):
            print(f"{outcome}: {name}")
    print(", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counted.items())))
    print(f"`cd {COPY.relative_to(ROOT)} && ../../.venv/bin/mutmut show NAME` shows one.")
    return ended


if __name__ == "__main__":
    sys.exit(main())
