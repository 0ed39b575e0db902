"""A branch of a git repository as a target: one file for each object, one commit for each change.

A change is made exactly once, whatever is killed when. Its commit names the release, and is looked for before
another one is made. The branch moves only from the commit in which it was not found (a compare-and-swap at
the origin), so of two appliers one wins, and the other finds the commit of the first.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from assent.applier.targets.content import content_of, difference
from assent.applier.targets.file_names import path_of
from assent.applier.targets.git.commit_push import GIT_ERRORS, CommitPush, failed, no_branch, not_a_file
from assent.applier.targets.git.git_program import GitProgram
from assent.applier.targets.git.repository import NoBranchError, NotARegularFileError, Repository
from assent.applier.targets.git.table import GitTable
from assent_contracts.client.handler import Applied, FinalError, Release
from assent_contracts.released_change import Change

_T = TypeVar("_T")
_R = TypeVar("_R")


class GitTarget:
    """One branch. Its changes are made one after another."""

    def __init__(self, table: GitTable, state: Path, timeout_s: float) -> None:
        """`state`: the folder for the bare copy, which can be deleted. Raises OSError, GitError,
        SecretError.
        """
        self._table = table
        self._repository = Repository(GitProgram(state / "repository.git", table, timeout_s))
        self._repository.tidy()
        # Held in the threads, because a wait for one may be cancelled while it still works.
        self._lock = threading.Lock()

    @property
    def reads_back(self) -> bool:
        """The branch shows it."""
        return True

    async def apply(self, release: Release) -> Applied | None:
        """Push the change's commit, unless the branch has it already."""
        return await asyncio.to_thread(self._locked, self._apply, release)

    async def read_back(self, release: Release) -> Applied | None:
        """The change's commit, if the branch has one."""
        return await asyncio.to_thread(self._locked, self._read_back, release)

    async def plan(self, change: Change) -> str:
        """The difference in the object's file."""
        return await asyncio.to_thread(self._locked, self._plan, change)

    async def close(self) -> None:
        """Nothing is open."""

    def path(self, resource: str) -> str:
        """The object's file in the repository. A slash in its id separates folders. Raises FinalError."""
        if "" in resource.split("/"):
            msg = f"Nothing was changed: {resource} has an empty part, which cannot be a folder."
            raise FinalError(msg)
        return path_of(self._table.folder, resource)

    def _locked(self, work: Callable[[_T], _R], what: _T) -> _R:
        with self._lock:
            return work(what)

    def _apply(self, release: Release) -> Applied:
        content = content_of(release.change, self._table.file_types)
        return self._push_of(release).run(content)

    def _read_back(self, release: Release) -> Applied | None:
        try:
            content = content_of(release.change, self._table.file_types)
            return self._push_of(release).look(content)[1]
        except FinalError:
            return None  # what can never be made was not made

    def _push_of(self, release: Release) -> CommitPush:
        return CommitPush(self._repository, self._table.branch, release, self.path(release.change.resource))

    def _plan(self, change: Change) -> str:
        path = self.path(change.resource)
        after = content_of(change, self._table.file_types)
        try:
            before = self._repository.content(self._repository.fetch(), path)
        except NoBranchError as error:
            raise FinalError(no_branch(self._table.branch)) from error
        except NotARegularFileError as error:
            raise FinalError(not_a_file(path)) from error
        except GIT_ERRORS as error:
            raise failed(error, sure=True) from error
        return difference(before, after, path)
