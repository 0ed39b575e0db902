"""Submits what a push or merge changes on a branch: one submission for each file.

The position is a commit. It moves once all events of a difference are durable, and a difference that was
begun is ended first, so each change is an event once. A branch that was rewritten is said and not guessed
about.
"""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final

import asyncpg
import structlog

from assent.upstream import events
from assent.upstream.git_repository import EMPTY_TREE, GitFile, GitRepository
from assent.upstream.raw_json import json_object
from assent.upstream.source_settings import GitSource
from assent.upstream.stored_documents import CONTENT_MAX_BYTES, content_members, text

FILES_MAX: Final = 10_000
"""A push of more files is not submitted."""
_AT_ONCE: Final = 32
"""Files whose contents are in memory together."""
_SHORT: Final = 16
_PATH_MAX_CHARS: Final = 400

log = structlog.get_logger(__name__)


class StoppedError(Exception):
    """The source does nothing until a person decides. The message says why and what to do."""


class Branch:
    """One branch."""

    def __init__(self, source: GitSource, pool: asyncpg.Pool, on_event: Callable[[], None]) -> None:
        self._source = source
        self._pool = pool
        self._on_event = on_event
        self._repository = GitRepository(source)
        self.poked: Final = asyncio.Event()

    async def look(self) -> None:
        """Fetch, and make an event of each file that changed.

        Raises GitError, OSError, StoppedError, asyncpg.PostgresError.
        """
        fetched = await self._repository.fetch()
        base, newest = await self._stretch(fetched)
        if base == newest:
            return
        files = await self._repository.difference(base, newest)
        if len(files) > FILES_MAX:
            raise StoppedError(
                f"{base[:_SHORT]}..{newest[:_SHORT]} changes {len(files):,} files, more than {FILES_MAX:,}."
                f" `assent upstream reset {self._source.name} COMMIT` names the commit to continue from."
            )
        await self._advance(f"{base} {newest}")
        for start in range(0, len(files), _AT_ONCE):
            await self._store(base, newest, files[start : start + _AT_ONCE])
        await self._advance(newest)
        log.info("fetched", source=self._source.name, base=base, newest=newest, files=len(files))
        self._on_event()
        if newest != fetched:
            self.poked.set()

    async def _stretch(self, newest: str) -> tuple[str, str]:
        """The commits to compare: the last seen one, and the newest or the one with which it was begun."""
        stored = await events.position(self._pool, self._source.name, self._source.branch)
        if stored is None:
            if self._source.start == "all":
                return EMPTY_TREE, newest
            await self._advance(newest)
            return newest, newest
        base, _, begun = stored.partition(" ")
        if begun and await self._repository.knows(begun):
            # It was stopped half-way: the same difference again, of which what is stored is known.
            return base, begun
        if base != newest and not await self._repository.contains(base, newest):
            await self._rewritten(base, newest)
        return base, newest

    async def _advance(self, to: str) -> None:
        async with self._pool.acquire() as connection:
            await events.advance(connection, self._source.name, self._source.branch, to)

    async def _rewritten(self, base: str, newest: str) -> None:
        name = self._source.name
        if self._source.forced_push == "follow" and await self._repository.knows(base):
            log.warning("followed a forced push", source=name, base=base, newest=newest)
            return
        why = (
            f"The branch {self._source.branch} was rewritten: {newest} does not descend from {base}, which"
            f" was seen last. Nothing was submitted. Look at it, then `assent upstream reset {name} COMMIT`"
            " names the commit to continue from."
        )
        await events.refuse(self._pool, name, f"forced {base} {newest}", "git", why)
        raise StoppedError(why)

    async def _store(self, base: str, newest: str, files: list[GitFile]) -> None:
        usable: list[tuple[str, bytes]] = []
        refused: list[tuple[str, str]] = []
        for file in files:
            event_id = _event_id(base, newest, file.path)
            why = await self._fault(file)
            if why is None:
                usable.append((event_id, await self._document(base, newest, file)))
            else:
                refused.append((event_id, why))
        async with self._pool.acquire() as connection, connection.transaction():
            await events.receive_many(connection, self._source.name, usable)
            for event_id, why in refused:
                await events.refuse(connection, self._source.name, event_id, "git", why)

    async def _fault(self, file: GitFile) -> str | None:
        if not file.is_regular:
            return "It is a link, or another repository, and not a file."
        try:
            file.path.decode()
        except UnicodeDecodeError:
            return "Its path is not UTF-8."
        size = 0 if file.blob is None else await self._repository.size(file.blob)
        if size > CONTENT_MAX_BYTES:
            return f"It has {size:,} bytes, more than the {CONTENT_MAX_BYTES:,} of a payload."
        return None

    async def _document(self, base: str, newest: str, file: GitFile) -> bytes:
        commit = await self._repository.last_commit(base, newest, file.path)
        path = file.path.decode()
        content = b"" if file.blob is None else await self._repository.content(file.blob)
        members = {
            "path": text(path),
            "below": text(path.removeprefix(self._source.path.rstrip("/") + "/")),
            "operation": text(file.operation),
            "blob": text(file.blob),
            "base_blob": text(file.base_blob),
            "commit": text(commit.id),
            "base_commit": text(None if base == EMPTY_TREE else base),
            "newest_commit": text(newest),
            "branch": text(self._source.branch),
            "author_name": text(commit.author_name),
            "author_email": text(commit.author_email),
            "subject": text(commit.subject),
            "message": text(commit.message),
        }
        if file.blob is not None:
            members |= content_members(content)
        return json_object(members)


def _event_id(base: str, newest: str, path: bytes) -> str:
    shown = path.decode(errors="backslashreplace")
    if len(shown) > _PATH_MAX_CHARS or not shown.isprintable():
        shown = hashlib.sha256(path).hexdigest()
    return f"{base[:_SHORT]}..{newest[:_SHORT]} {shown}"
