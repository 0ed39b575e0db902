"""The folder that the applier keeps: one file for each object, replaced as a whole or not at all.

Every step is taken relative to an open folder, and no symbolic link below the target is followed. A link in
place of a type's folder is refused. A link in place of a file is replaced, not written through.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from assent.applier.targets.file_names import TEMPORARY_PREFIX, file_name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class NotWrittenError(Exception):
    """The change could not be made, and nothing was changed; the message explains why."""


class Folder:
    """The target folder. It may itself be a link, but nothing in it may be one."""

    def __init__(self, root: Path, *, only_read: bool = False) -> None:
        """Make the folder if it is missing. `only_read`: write nothing, not even that. Raises OSError."""
        self.root: Final = root
        if not only_read:
            root.mkdir(parents=True, exist_ok=True)
        self._case_matters = only_read or _case_matters(root)

    def path(self, resource: str) -> Path:
        """Where an object's file is, or would be."""
        kind, name = self._names(resource)
        return self.root / kind / name

    def name(self, resource: str) -> str:
        """The object's file, relative to the folder."""
        return "/".join(self._names(resource))

    def apply(self, resource: str, content: bytes | None, request: str) -> None:
        """Let the object's file have this content, or delete it (None): durable on return.

        `request` names the temporary file. Raises NotWrittenError when nothing was changed, and OSError when
        that is not known.
        """
        if content is None:
            self._delete(resource)
        else:
            self._write(resource, content, request)

    def content(self, resource: str) -> bytes | None:
        """What the object's file holds; None if there is none, or if it is not a regular file. Raises
        OSError.
        """
        kind, name = self._names(resource)
        try:
            with _folder(self.root) as root, _below(root, kind) as folder:
                return _read(folder, name)
        except FileNotFoundError:
            return None

    def _names(self, resource: str) -> tuple[str, str]:
        kind, _, name = resource.partition("/")
        return (
            file_name(kind, case_matters=self._case_matters),
            file_name(name, case_matters=self._case_matters),
        )

    def _write(self, resource: str, content: bytes, request: str) -> None:
        kind, name = self._names(resource)
        fresh = TEMPORARY_PREFIX + request
        try:
            with _folder(self.root) as root:
                _make_below(root, kind)
                with _below(root, kind) as folder:
                    _write_new(folder, fresh, content)
                    with _removed_on_error(folder, fresh):
                        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
                    # From here on the change is made, whether or not it is durable.
                    with _indefinite():
                        os.fsync(folder)
        except OSError as error:
            raise NotWrittenError(_why(error, f"{kind}/{name}")) from error

    def _delete(self, resource: str) -> None:
        kind, name = self._names(resource)
        try:
            with _folder(self.root) as root, _below(root, kind) as folder:
                os.unlink(name, dir_fd=folder)
                with _indefinite():
                    os.fsync(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise NotWrittenError(_why(error, f"{kind}/{name}")) from error


class IndefiniteError(Exception):
    """The change was made, but it may not survive a power cut."""


def _case_matters(root: Path) -> bool:
    probe = root / f"{TEMPORARY_PREFIX}case-{os.getpid()}"
    probe.touch()
    try:
        return not probe.with_name(probe.name.upper()).exists()
    finally:
        probe.unlink()


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _below(folder: int, name: str) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _indefinite() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IndefiniteError(str(error)) from error


@contextmanager
def _removed_on_error(folder: int, name: str) -> Iterator[None]:
    try:
        yield
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise


def _make_below(folder: int, name: str) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=folder)
    except FileExistsError:
        return
    os.fsync(folder)


def _write_new(folder: int, name: str, content: bytes) -> None:
    # A file of this name was left by a crash during the same request.
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file, _removed_on_error(folder, name):
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(folder: int, name: str) -> bytes | None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return file.read()


def _why(error: OSError, name: str) -> str:
    return f"Nothing was changed: {name}: {error.strerror or error}."
