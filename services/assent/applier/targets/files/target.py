"""A folder as a target. Keeps a mark of every release that it applied, so that none is applied again."""

import asyncio
import time
from pathlib import Path
from typing import Final

from assent.applier.targets.content import content_of, difference
from assent.applier.targets.files.folder import Folder, NotWrittenError
from assent.applier.targets.files.table import FilesTable
from assent_contracts.client.durable_file import write_durably
from assent_contracts.client.handler import Applied, FinalError, Release, RetryableError
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change

MARK_KEPT_S: Final = 30 * 24 * 60 * 60
"""A mark is needed only between a crash and the restart after it."""


class FilesTarget:
    """A folder, and the marks of what was applied to it."""

    def __init__(self, table: FilesTable, state: Path, identity: str, *, only_read: bool = False) -> None:
        """`identity`: the log's, because two logs number their requests alike. Raises OSError."""
        self._folder = Folder(Path(table.folder), only_read=only_read)
        self._file_types = table.file_types
        self._marks = state / identity[:16] / "applied"
        self._marks.mkdir(parents=True, exist_ok=True)
        for mark in self._marks.iterdir():
            if mark.stat().st_mtime < time.time() - MARK_KEPT_S:
                mark.unlink()

    @property
    def reads_back(self) -> bool:
        """The folder and the marks show it."""
        return True

    async def apply(self, release: Release) -> Applied | None:
        """Make the change, unless it was already made for this release."""
        return await asyncio.to_thread(self._apply, release.change)

    async def read_back(self, release: Release) -> Applied | None:
        """Whether a change that may have been made was made, by its mark or by the folder."""
        return await asyncio.to_thread(self._read_back, release.change)

    async def plan(self, change: Change) -> str:
        """The difference in the object's file."""
        after = content_of(change, self._file_types)
        try:
            before = await asyncio.to_thread(self._folder.content, change.resource)
        except OSError as error:
            msg = f"The folder cannot be read: {error.strerror}."
            raise RetryableError(msg) from error
        return difference(before, after, self._folder.name(change.resource))

    async def close(self) -> None:
        """Nothing is open."""

    def _apply(self, change: Change) -> Applied:
        if not self._is_marked(change):
            content = content_of(change, self._file_types)
            try:
                self._folder.apply(change.resource, content, change.request)
            except NotWrittenError as error:
                raise FinalError(str(error)) from error
            write_durably(self._marks / change.request, _mark(change))
        return Applied()

    def _read_back(self, change: Change) -> Applied | None:
        try:
            applied = self._is_marked(change) or self._holds(change)
        except (FinalError, OSError):
            return None
        return Applied() if applied else None

    def _holds(self, change: Change) -> bool:
        return self._folder.content(change.resource) == content_of(change, self._file_types)

    def _is_marked(self, change: Change) -> bool:
        try:
            return (self._marks / change.request).read_bytes() == _mark(change)
        except FileNotFoundError:
            return False


def _mark(change: Change) -> bytes:
    """Identifies one release. The request's id alone does not: a restored log may use it again."""
    return sha256_hex(encode(change)).encode()
