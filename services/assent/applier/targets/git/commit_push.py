"""One change from the look for its commit to the push, as often as the branch moves in between."""

from typing import Final

from assent.applier.targets.git.commit_message import message_of
from assent.applier.targets.git.git_program import GitError, GitKilledError
from assent.applier.targets.git.repository import (
    MovedError,
    NoBranchError,
    NotARegularFileError,
    RejectedError,
    Repository,
)
from assent.applier.targets.secrets import SecretError
from assent_contracts.client.handler import Applied, FinalError, Release, RetryableError, UnknownOutcomeError

GIT_ERRORS: Final = (GitError, GitKilledError, SecretError)
"""Git failed, and what that means depends on what was done before."""
_TRIES: Final = 20
"""How often the branch may move before the change is tried later."""
_LOST_MAX: Final = 3
"""How often the answer to a push may be lost."""


class CommitPush:
    """A change of one file on a branch. Raises what a handler raises."""

    def __init__(self, repository: Repository, branch: str, release: Release, path: str) -> None:
        self._repository = repository
        self._branch = branch
        self._release = release
        self._path = path
        self._first: tuple[str, str] | None = None
        """The branch when it was first fetched, and the file's blob there: what the change was made for."""
        self._on: str | None = None
        """The commit on which a push may still arrive; None if nothing can have been changed."""
        self._lost = 0

    def run(self, content: bytes | None) -> Applied:
        """Push a commit in which the file has this content, unless the branch has one of this release."""
        for _ in range(_TRIES):
            tip, found = self.look(content)
            if found is not None:
                return found
            commit = self._commit(tip, content)
            if self._push(commit, tip):
                return _applied(commit)
            if self._lost == _LOST_MAX:
                break
        if self._on is not None:
            msg = "The connection failed during the push, and the branch does not show the commit."
            raise UnknownOutcomeError(msg)
        msg = f"The branch {self._branch} moved {_TRIES} times while the commit was made."
        raise RetryableError(msg)

    def look(self, content: bytes | None) -> tuple[str, Applied | None]:
        """The branch now, and the commit with the change if it is there."""
        try:
            tip = self._repository.fetch()
            commit = self._commit_of(tip, content)
            if commit is not None:
                return tip, _applied(commit)
        except NoBranchError as error:
            raise FinalError(no_branch(self._branch)) from error
        except GIT_ERRORS as error:
            raise failed(error, sure=self._on is None) from error
        if tip != self._on:
            # The branch has moved on without the commit, so a push that is late finds it elsewhere and fails.
            self._on = None
        return tip, None

    def _commit_of(self, tip: str, content: bytes | None) -> str | None:
        """The commit with the change; of an earlier release only if its content is still there."""
        release, repository, path = self._release, self._repository, self._path
        # Anyone who can commit can copy a message. Only a commit with this content counts.
        for commit in repository.commits_with(release.idempotency_key, tip):
            if repository.holds(commit, path, content):
                return commit
        for key in release.earlier_keys:
            for commit in repository.commits_with(key, tip):
                if repository.holds(commit, path, content) and repository.holds(tip, path, content):
                    return commit
        return None

    def _commit(self, tip: str, content: bytes | None) -> str:
        try:
            entry = self._repository.entry(tip, self._path)
            self._refuse_conflict(tip, "" if entry is None else entry[1])
            return self._repository.commit(tip, self._path, content, message_of(self._release))
        except NotARegularFileError as error:
            raise FinalError(not_a_file(self._path)) from error
        except GIT_ERRORS as error:
            raise failed(error, sure=self._on is None) from error

    def _refuse_conflict(self, tip: str, blob: str) -> None:
        if self._first is None:
            self._first = (tip, blob)
        elif self._first[1] != blob:
            msg = (
                f"Conflict: {self._path} was changed on {self._branch} at the same time, in commits"
                f" {self._first[0][:12]} to {tip[:12]}. This change was not made. Submit it again if it is"
                " still wanted."
            )
            raise FinalError(msg)

    def _push(self, commit: str, tip: str) -> bool:
        """Whether the branch has the commit now, as far as the origin has answered."""
        self._on = tip
        try:
            self._repository.push(commit, tip)
        except MovedError:
            return False  # perhaps by this very push: curl sends a request again whose answer was lost
        except RejectedError as error:
            msg = f"The origin refused the commit, and nothing was changed: {error}"
            raise FinalError(msg) from error
        except GIT_ERRORS:
            self._lost += 1
            return False
        return True


def no_branch(branch: str) -> str:
    """Says that the branch is missing."""
    return f"Nothing was changed: the repository has no branch {branch}. Create it with a first commit."


def not_a_file(path: str) -> str:
    """Says that the path cannot be a file."""
    return f"Nothing was changed: {path} is in the way of a folder, or is a folder, a link or a submodule."


def failed(error: Exception, *, sure: bool) -> RetryableError | UnknownOutcomeError:
    """`sure`: nothing can have been changed."""
    said = (
        "Git did not answer in time, or with too much."
        if isinstance(error, GitKilledError)
        else f"Git failed: {error}"
    )
    if isinstance(error, SecretError):
        said = str(error)
    return RetryableError(said) if sure else UnknownOutcomeError(said)


def _applied(commit: str) -> Applied:
    return Applied(f"Commit {commit}.", commit)
