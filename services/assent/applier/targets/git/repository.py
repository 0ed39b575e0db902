"""The applier's bare copy of a repository, and what it does to the branch at its origin."""

import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from assent.applier.targets.git.commit_message import KEY, has_key
from assent.applier.targets.git.git_program import GitError, GitProgram

_FETCHED: Final = "refs/assent/branch"
REGULAR: Final = ("100644", "100755", "100664")
"""The modes of regular files. Repositories from git's first years have the last one too."""
_ENTRY: Final = re.compile(r"([0-7]{6}) (blob|tree|commit) ([0-9a-f]{40,64})\t")
_MOVED: Final = ("stale info", "fetch first", "non-fast-forward", "cannot lock ref", "incorrect old value")
"""What git says of a push to a branch that has moved in the meantime."""
_REJECTED: Final = "[remote rejected]"


class NoBranchError(Exception):
    """The origin has no such branch."""


class NotARegularFileError(Exception):
    """The path in the repository is a folder, a link or a submodule."""


class MovedError(Exception):
    """The branch has moved since it was fetched, and nothing was changed."""


class RejectedError(Exception):
    """The origin refuses the commit, and nothing was changed."""


class Repository:
    """Not for several threads at once. Each method raises GitError and GitKilledError, and SecretError."""

    def __init__(self, git: GitProgram) -> None:
        """Makes the bare copy if it is missing. Raises OSError."""
        git.repository.mkdir(parents=True, exist_ok=True)
        self._git = git
        if not (git.repository / "HEAD").exists():
            git.run("init", "--quiet", "--bare", ".")

    def fetch(self) -> str:
        """The branch's newest commit. Raises NoBranchError."""
        branch = self._git.table.branch
        try:
            self._git.run(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options",
                self._git.table.url, f"+refs/heads/{branch}:{_FETCHED}",
            )  # fmt: skip
        except GitError as error:
            if "couldn't find remote ref" in error.said:
                raise NoBranchError from error
            raise
        return self._git.text("rev-parse", "--verify", _FETCHED)

    def commits_with(self, key: str, tip: str) -> list[str]:
        """The commits that name the key of a release in their trailers, newest first."""
        listed = self._git.text(
            "log",
            "--fixed-strings",
            f"--grep={KEY}: {key}",
            "-z",
            "--format=%H%n%(trailers:only,unfold)",
            tip,
        )
        found = [each.strip().partition("\n") for each in listed.split("\0") if each.strip()]
        return [commit for commit, _, trailers in found if has_key(trailers, key)]

    def content(self, commit: str, path: str) -> bytes | None:
        """The file's content in a commit; None if there is none. Raises NotARegularFileError."""
        entry = self.entry(commit, path)
        return None if entry is None else self._git.run("cat-file", "blob", entry[1])

    def holds(self, commit: str, path: str, content: bytes | None) -> bool:
        """Whether the file has this content in a commit; None: whether there is no file."""
        try:
            return self.content(commit, path) == content
        except NotARegularFileError:
            return False

    def entry(self, commit: str, path: str) -> tuple[str, str] | None:
        """The file's mode and blob in a commit; None if there is none. Raises NotARegularFileError."""
        listed = self._git.text("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path)
        match = _ENTRY.match(listed)
        if match is None:
            return None
        if match[2] != "blob" or match[1] not in REGULAR:
            raise NotARegularFileError
        return match[1], match[3]

    def commit(self, base: str, path: str, content: bytes | None, message: str) -> str:
        """A new commit on `base` in which the file has this content; None deletes it. Nothing is pushed.

        Raises NotARegularFileError.
        """
        entry = self.entry(base, path)
        with tempfile.TemporaryDirectory(prefix="assent-index-", dir=self._git.repository) as folder:
            index = Path(folder) / "index"
            self._git.run("read-tree", base, index=index)
            if content is None:
                removed = f"0 {'0' * len(base)}\t{path}\0".encode()
                self._git.run("update-index", "-z", "--index-info", stdin=removed, index=index)
            else:
                blob = self._git.text("hash-object", "-w", "--stdin", stdin=content)
                mode = "100644" if entry is None else entry[0]
                try:
                    self._git.run(
                        "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", index=index
                    )
                except GitError as error:
                    # A file is where the path needs a folder, or a folder is where the file would be.
                    raise NotARegularFileError from error
            tree = self._git.text("write-tree", index=index)
        signed = ["-S"] if self._git.table.signing_key is not None else []
        return self._git.text("commit-tree", tree, "-p", base, *signed, "-F", "-", stdin=message.encode())

    def push(self, commit: str, base: str) -> None:
        """Let the branch be `commit` if it still is `base`.

        Raises MovedError, RejectedError. After another error it is not known whether the branch was moved.
        """
        branch = self._git.table.branch
        try:
            self._git.run(
                "push", "--quiet", "--porcelain", "--no-verify", "--no-signed",
                f"--force-with-lease=refs/heads/{branch}:{base}", "--end-of-options",
                self._git.table.url, f"{commit}:refs/heads/{branch}",
            )  # fmt: skip
        except GitError as error:
            if any(each in error.said for each in _MOVED):
                raise MovedError from error
            if _REJECTED in error.said:
                raise RejectedError(error.said) from error
            raise

    def tidy(self) -> None:
        """Delete what a killed process left behind."""
        for left in self._git.repository.glob("assent-index-*"):
            for each in left.iterdir():
                each.unlink(missing_ok=True)
            with suppress(OSError):
                left.rmdir()
