"""Services of an earlier commit, run from a copy of its files."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from tests.support.services import ROOT, Running

BEFORE: Final = "ASSENT_CLUSTER_BEFORE"
"""The commit or tag from which to upgrade; by default the commit before the newest."""
_FOLDERS: Final = ("contracts", "infra", "services")


def earlier_commit() -> str | None:
    """The commit from which to upgrade; None where the repository does not have it."""
    wanted = os.environ.get(BEFORE) or "HEAD~1"
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None


def files_of(commit: str, folder: Path) -> Path:
    """The files of a commit, as far as services need them."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit, *_FOLDERS], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


class EarlierRunning(Running):
    """One service of an earlier version."""

    def __init__(self, files: Path, name: str, title: str, environ: dict[str, str], log: Path) -> None:
        self._files = files
        super().__init__(title, [f"assent.{name}"], environ, log)

    def _start(self) -> "subprocess.Popen[bytes]":  # type: ignore[override]  # it is used like a Forked
        paths = os.pathsep.join(str(self._files / each) for each in ("services", "contracts"))
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", self._module],
                env={**self._environ, "PYTHONPATH": paths},
                cwd=self._files,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
