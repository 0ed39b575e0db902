"""A branch of a git repository: its commits, and its files as they are now."""

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from assent.applier.targets.file_names import path_of
from assent.applier.targets.git.commit_push import GIT_ERRORS
from assent.applier.targets.git.git_program import GitError, GitProgram
from assent.applier.targets.git.repository import NoBranchError, Repository
from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.comparison import Shown, differences
from assent.reconcile.configuration import GitHistory
from assent.reconcile.git_history import Commit, commit_findings
from assent.reconcile.known_findings import Finding, KnownFindings
from assent.reconcile.object_names import object_of_file, several
from assent.reconcile.position_file import read_position, write_position
from assent.reconcile.readers.reader import UnreadableTargetError
from assent.reconcile.target_text import name_text
from assent_contracts.resources import parse_request_id

REQUEST: Final = "Assent-Request"
_TRAILERS_MAX: Final = 10
_FILES_MAX: Final = 10_000
"""Files that one commit changes. One that changes more is unreadable."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NO_FILE: Final = "000000"
_FORMAT: Final = f"%H%x1f%(trailers:key={REQUEST},valueonly,separator=%x2C)%x1f%an <%ae>"


class GitReader:
    """One branch. Not for several tasks at once."""

    def __init__(self, table: GitHistory, state: Path, timeout_s: float, objects_max: int) -> None:
        """`state`: the folder for the bare copy and the position, which can be deleted."""
        self._table = table
        self._state = state
        self._timeout_s = timeout_s
        self._objects_max = objects_max
        self._git: GitProgram | None = None
        self._place = hashlib.sha256(f"{table.url} {table.branch} {table.folder}".encode()).hexdigest()
        self._names: dict[str, str] = {}
        self._tip = ""
        self._commits: Sequence[Commit] = ()
        self._shown: dict[str, Shown] = {}
        self._done: str | None = None

    async def read(self, applied: AppliedRequests) -> None:
        """Fetch the branch, and read its new commits and its files."""
        try:
            await asyncio.to_thread(self._read, applied)
        except NoBranchError as error:
            msg = f"The repository has no branch {self._table.branch}."
            raise UnreadableTargetError(msg) from error
        except (*GIT_ERRORS, OSError) as error:
            msg = f"The repository cannot be read: {error or 'git did not answer in time.'}"
            raise UnreadableTargetError(msg) from error

    async def findings(
        self, applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
    ) -> list[Finding]:
        """The commits that no request explains, then what the branch should show and does not."""
        try:
            return await asyncio.to_thread(self._findings, applied, known, of_type)
        except (*GIT_ERRORS, OSError) as error:
            msg = f"The repository cannot be read: {error or 'git did not answer in time.'}"
            raise UnreadableTargetError(msg) from error

    def _findings(
        self, applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
    ) -> list[Finding]:
        in_commits, self._done = commit_findings(self._commits, applied, self._is_first, of_type)
        new = [each for each in in_commits if not known.is_known(each)]
        if not self._is_read:
            return new  # the rest waits until all of the history is read
        now = differences(self._shown, applied, known, _matches, of_type=of_type, made_by=self._is_made_by)
        # What these commits show need not be found twice.
        explained = {each.resource for each in in_commits}
        return [*new, *(each for each in now if each.resource not in explained)]

    def _is_made_by(self, resource: str, shown: str | None, commit: str) -> bool:
        """Whether the branch has this commit, and a file as the commit has left it."""
        assert self._git is not None
        if _COMMIT.fullmatch(commit) is None or not _is_ancestor(self._git, commit, self._tip):
            return False
        return _blob(self._git, commit, path_of(self._table.folder, resource)) == shown

    async def keep_position(self) -> None:
        """Keep the last commit before the first whose request may still end in either way."""
        if self._done is not None:
            await asyncio.to_thread(write_position, self._file, self._place, self._done)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def _file(self) -> Path:
        return self._state / "position.json"

    @property
    def _is_read(self) -> bool:
        return not self._commits or self._commits[-1].id == self._tip

    def _read(self, applied: AppliedRequests) -> None:
        if self._git is None:
            self._git = GitProgram(self._state / "repository.git", self._table, self._timeout_s)
        repository = Repository(self._git)
        self._done = None
        self._names = {path_of(self._table.folder, each): each for each in applied.objects()}
        self._tip = repository.fetch()
        new = self._new_commits(self._git, self._tip)[: self._table.commits_max]
        self._commits = self._read_commits(self._git, new)
        self._shown = self._files(self._git)

    def _new_commits(self, git: GitProgram, tip: str) -> list[str]:
        after = [
            f"^{each}"
            for each in (self._table.since, read_position(self._file, self._place))
            if each is not None and _is_ancestor(git, each, tip)
        ]
        listed = git.text("rev-list", "--reverse", "--topo-order", tip, *after)
        return listed.split()

    def _read_commits(self, git: GitProgram, ids: Sequence[str]) -> list[Commit]:
        """As many as can be read in the time, at least one. The others follow in the next run."""
        until = time.monotonic() + self._timeout_s
        commits: list[Commit] = []
        for each in ids:
            commits.append(self._commit(git, each))
            if time.monotonic() >= until:
                break
        return commits

    def _commit(self, git: GitProgram, commit: str) -> Commit:
        said = git.text("log", "-1", f"--format={_FORMAT}", commit).split("\x1f", 2)
        _, trailers, by = (*said, "", "")[:3]
        # Of a merge only what differs from all its parents. Each parent's own commits are read too.
        changed = git.run(
            "diff-tree", "-r", "-c", "--root", "--no-commit-id", "--no-renames", "--raw", "-z", commit
        ).decode(errors="surrogateescape")
        # In turn what became of a file, and its path.
        listed = [each for each in changed.split("\0") if each]
        if len(listed) > 2 * _FILES_MAX:
            msg = f"The commit {commit} changes more than {_FILES_MAX:,} files."
            raise UnreadableTargetError(msg)
        blobs: dict[str, str | None] = {}
        for what, path in zip(listed[::2], listed[1::2], strict=True):
            resource = self._object(path)
            if resource is not None:
                blob = _blob_after(what)
                blobs[resource] = several((blobs[resource], blob)) if resource in blobs else blob
        names = tuple(each.strip() for each in trailers.split(",") if parse_request_id(each.strip()))
        return Commit(commit, name_text(by) or "", names[:_TRAILERS_MAX], blobs)

    def _files(self, git: GitProgram) -> dict[str, Shown]:
        folder = self._table.folder
        listed = git.run(
            "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", self._tip, "--", folder or "."
        )
        entries = [each for each in listed.decode(errors="surrogateescape").split("\0") if each]
        if len(entries) > self._objects_max:
            msg = f"The branch has more than {self._objects_max:,} files."
            raise UnreadableTargetError(msg)
        shown: dict[str, Shown] = {}
        for entry in entries:
            what, _, path = entry.partition("\t")
            resource = self._object(path)
            if resource is not None:
                mode, _, blob = what.split(" ")
                version = blob if mode.startswith("100") else "not-a-file"
                before = shown.get(resource)
                shown[resource] = Shown(version if before is None else several((before.version, version)))
        return shown

    def _object(self, path: str) -> str | None:
        if not path.startswith(self._table.folder):
            return None
        return self._names.get(path) or object_of_file(
            path.removeprefix(self._table.folder), partial(path_of, "")
        )

    def _is_first(self, commit: Commit, resource: str, request: AppliedRequest) -> bool:
        assert self._git is not None
        listed = self._git.text(
            "log", "--reverse", "--topo-order", "--fixed-strings", f"--grep={REQUEST}: {request.id}",
            "--format=%H", self._tip,
        ).split()  # fmt: skip
        wanted = commit.blobs[resource]
        path = path_of(self._table.folder, resource)
        return next((each for each in listed if _blob(self._git, each, path) == wanted), None) == commit.id


def _matches(version: str, request: AppliedRequest) -> bool:
    made = request.content
    return made is not None and version in (made.git_sha1, made.git_sha256)


def _blob(git: GitProgram, commit: str, path: str) -> str | None:
    """The blob of a regular file; None if there is no file, or something else."""
    listed = git.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path)
    what, _, _ = listed.decode(errors="surrogateescape").partition("\t")
    mode, _, blob = (*what.split(" "), "", "")[:3]
    return blob if mode.startswith("100") else "not-a-file" if mode else None


def _blob_after(what: str) -> str | None:
    """The blob that a raw line of git's states a commit has left, as `_blob` returns it.

    It has a colon and a mode and a blob for each parent, then the commit's own, then letters.
    """
    parents = len(what) - len(what.lstrip(":"))
    fields = what[parents:].split(" ")
    mode, blob = fields[parents], fields[2 * parents + 1]
    return blob if mode.startswith("100") else None if mode == _NO_FILE else "not-a-file"


def _is_ancestor(git: GitProgram, commit: str, tip: str) -> bool:
    """Whether the branch still has this commit. A rewritten branch is read again from its beginning."""
    try:
        git.run("merge-base", "--is-ancestor", commit, tip)
    except GitError:
        return False
    return True
