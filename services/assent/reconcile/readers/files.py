"""A folder: its files with their hashes. No symbolic link in it is followed."""

import asyncio
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from assent.applier.targets.file_names import TEMPORARY_PREFIX
from assent.applier.targets.files.folder import Folder
from assent.applier.targets.files.table import FilesTable
from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.comparison import Shown, differences
from assent.reconcile.known_findings import Finding, KnownFindings
from assent.reconcile.object_names import object_of_file, several
from assent.reconcile.readers.reader import UnreadableTargetError

FILE_MAX_BYTES: Final = 64 * 1024 * 1024
"""A larger file is known by its size: no payload makes it."""
TEMPORARY_S: Final = 60 * 60.0
"""No applier needs a temporary file for so long: an older one is what somebody calls one."""
_READ_BYTES: Final = 1024 * 1024
_ROOT: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER: Final = _ROOT | os.O_NOFOLLOW
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FilesReader:
    """One folder of an applier of files."""

    def __init__(self, table: FilesTable, objects_max: int) -> None:
        self._root = Path(table.folder)
        self._objects_max = objects_max
        self._shown: dict[str, Shown] = {}

    async def read(self, applied: AppliedRequests) -> None:
        """Hash every file."""
        try:
            self._shown = await asyncio.to_thread(self._read, applied)
        except OSError as error:
            msg = f"The folder {self._root} cannot be read: {error.strerror or error}."
            raise UnreadableTargetError(msg) from error

    async def findings(
        self, applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
    ) -> list[Finding]:
        """The files that are not as they were applied."""
        return list(differences(self._shown, applied, known, _matches, of_type=of_type))

    async def keep_position(self) -> None:
        """A folder has no history."""

    async def close(self) -> None:
        """Nothing is open."""

    def _read(self, applied: AppliedRequests) -> dict[str, Shown]:
        folder = Folder(self._root, only_read=True)
        # A long id has a hash in its file's name, from which the id cannot be found.
        names = {folder.name(resource): resource for resource in applied.objects()}
        shown: dict[str, Shown] = {}
        with _opened(os.open(self._root, _ROOT)) as root:
            for kind in _names(root):
                if not stat.S_ISDIR(os.stat(kind, dir_fd=root, follow_symlinks=False).st_mode):
                    continue
                with _opened(os.open(kind, _FOLDER, dir_fd=root)) as below:
                    for name in _names(below):
                        path = f"{kind}/{name}"
                        resource = names.get(path) or object_of_file(path, folder.name)
                        file = None if resource is None else _shown(below, name)
                        if resource is not None and file is not None:
                            before = shown.get(resource)
                            shown[resource] = file if before is None else _both(before, file)
                        if len(shown) > self._objects_max:
                            msg = f"The folder {self._root} has more than {self._objects_max:,} files."
                            raise UnreadableTargetError(msg)
        return shown


def _names(folder: int) -> list[str]:
    """What is in a folder, without the temporary files of an applier that is at work."""
    with os.scandir(folder) as entries:
        return sorted(each.name for each in entries if not _is_temporary(each))


def _is_temporary(entry: os.DirEntry[str]) -> bool:
    if not entry.name.startswith(TEMPORARY_PREFIX):
        return False
    try:
        # The time of the last change of its inode, which nobody but the system can set.
        return time.time() - entry.stat(follow_symlinks=False).st_ctime < TEMPORARY_S
    except FileNotFoundError:
        return True


def _both(one: Shown, other: Shown) -> Shown:
    return Shown(several((one.version, other.version)), other.by, "Several files have this name.")


def _matches(version: str, request: AppliedRequest) -> bool:
    return request.content is not None and request.content.sha256 == version


def _shown(folder: int, name: str) -> Shown | None:
    """The file's hash and owner. What is not a regular file is named as that; None if it is gone."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            return Shown("not-a-file", f"uid {found.st_uid}", "It is a link, a folder or a device.")
        with _opened(os.open(name, _FILE, dir_fd=folder)) as file:
            found = os.fstat(file)
            version = _sha256(file) if found.st_size <= FILE_MAX_BYTES else f"{found.st_size}-bytes"
    except FileNotFoundError:
        return None  # it was deleted or replaced in the meantime
    return Shown(version, f"uid {found.st_uid}", f"{found.st_size:,} bytes.")


def _sha256(file: int) -> str:
    hashed, left = hashlib.sha256(), FILE_MAX_BYTES + 1
    while left > 0 and (part := os.read(file, min(left, _READ_BYTES))):
        hashed.update(part)
        left -= len(part)
    return hashed.hexdigest()


@contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
