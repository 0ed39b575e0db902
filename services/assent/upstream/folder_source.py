"""Submits each file that is moved into a folder, and moves it on once it is decided.

A file must be complete when it appears: write it elsewhere on the same disk, then rename it into the folder.
"""

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from assent.upstream import events
from assent.upstream.raw_json import json_object
from assent.upstream.source_settings import FolderSource
from assent.upstream.stored_documents import CONTENT_MAX_BYTES, content_members, text

DONE: Final = "done"
REFUSED: Final = "refused"
_AT_ONCE: Final = 1_000
_NAME_MAX_CHARS: Final = 200
_Identity = tuple[str, int, int, int]


class Found(msgspec.Struct, frozen=True):
    """A file that waits."""

    path: Path
    identity: tuple[str, int, int, int]
    """Its name, inode, time of change (ns) and size."""


class Folder:
    """One watched folder."""

    def __init__(self, source: FolderSource, pool: asyncpg.Pool, on_event: Callable[[], None]) -> None:
        self._source = source
        self._pool = pool
        self._on_event = on_event
        self._ids: dict[_Identity, str] = {}
        """The events of files that were read, as long as they are here."""

    async def look(self) -> None:
        """Take new files in, and move those on that are decided. Raises OSError, asyncpg.PostgresError."""
        found = await asyncio.to_thread(_files, self._source.folder)
        self._ids = {
            each.identity: id_ for each in found if (id_ := self._ids.get(each.identity)) is not None
        }
        for each in found:
            if each.identity not in self._ids:
                await self._take_in(each)
        await self._move_on(found)

    async def _take_in(self, file: Found) -> None:
        try:
            content = await asyncio.to_thread(_content, file.path)
        except FileNotFoundError:
            return  # taken back by who put it there
        name, _, modified, size = file.identity
        digest = hashlib.sha256(content or b"").hexdigest()
        event = hashlib.sha256(f"{name}\0{modified}\0{size}\0{digest}".encode(errors="surrogateescape"))
        event_id = f"{_shown(name)} {event.hexdigest()[:32]}"
        why = _fault(name, content)
        if why is not None:
            await events.refuse(self._pool, self._source.name, event_id, "folder", why)
        else:
            assert content is not None, "_fault names what is too large"
            document = json_object(
                {"name": text(name), "stem": text(Path(name).stem), **content_members(content)}
            )
            if await events.receive(self._pool, self._source.name, event_id, document):
                self._on_event()
        self._ids[file.identity] = event_id

    async def _move_on(self, found: list[Found]) -> None:
        by_event = {self._ids[each.identity]: each for each in found if each.identity in self._ids}
        rows = await self._pool.fetch(events.SQL["ended"], self._source.name, list(by_event))
        for row in rows:
            file = by_event[row["event"]]
            where, lines = (
                (REFUSED, [row["code"], row["reason"]])
                if row["status"] == "dead"
                else (
                    DONE,
                    [row["request"] and f"request {row['request']}", row["reason"]],
                )
            )
            note = "\n".join(str(line) for line in lines if line) + "\n"
            folder = self._source.folder / where
            await asyncio.to_thread(_move, file.path, folder, f"{row['id']}-{_shown(file.path.name)}", note)


def _files(folder: Path) -> list[Found]:
    """The files that wait, the oldest first. Links and folders are left alone."""
    found: list[Found] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            at = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(at.st_mode):
                identity = (entry.name, at.st_ino, at.st_mtime_ns, at.st_size)
                found.append(Found(Path(entry.path), identity))
    return sorted(found, key=lambda each: (each.identity[2], each.identity[0]))[:_AT_ONCE]


def _content(path: Path) -> bytes | None:
    """The file's bytes; None if there are too many. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(CONTENT_MAX_BYTES + 1)
    return None if len(content) > CONTENT_MAX_BYTES else content


def _fault(name: str, content: bytes | None) -> str | None:
    if content is None:
        return f"The file is larger than {CONTENT_MAX_BYTES:,} bytes."
    try:
        name.encode()
    except UnicodeEncodeError:
        return "The file's name is not UTF-8."
    return None


def _shown(name: str) -> str:
    """A name that is safe in a table, and as the end of a file's name."""
    return name.encode(errors="backslashreplace").decode().replace("\0", "")[:_NAME_MAX_CHARS]


def _move(path: Path, folder: Path, name: str, note: str) -> None:
    folder.mkdir(exist_ok=True)
    # The note first: who sees the file there finds the reason too.
    (folder / f"{name}.txt").write_text(note, encoding="utf-8")
    path.replace(folder / name)
