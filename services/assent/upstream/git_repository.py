"""A bare copy of a repository, by the git binary: fetched, compared and read. It runs nothing of it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

import msgspec

from assent.process_settings import read_secret_file
from assent.upstream.source_settings import GitSource

TIMEOUT_S: Final = 120.0
EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_HEAD: Final = "refs/assent/head"
_OUTPUT_MAX_BYTES: Final = 32 * 1024 * 1024
_ERROR_MAX_CHARS: Final = 300
_NAME_MAX_CHARS: Final = 256
_MESSAGE_MAX_CHARS: Final = 8 * 1024
"""Of a commit's message. It is kept with each file of a push, and whoever pushes can write 32 MiB."""
_REGULAR: Final = frozenset({"100644", "100755"})
_NO_OBJECT: Final = "0" * 40


class GitError(Exception):
    """Git failed; the message has what it says, without credentials: these are never in its arguments."""


class GitFile(msgspec.Struct, frozen=True):
    """A file that differs between two commits."""

    path: bytes
    operation: str
    """`create`, `edit` or `delete`."""
    blob: str | None
    """The content's id; None if it was deleted."""
    base_blob: str | None
    is_regular: bool
    """False for a link and for another repository."""


class GitCommit(msgspec.Struct, frozen=True):
    """A commit."""

    id: str
    author_name: str
    author_email: str
    subject: str
    message: str


class GitRepository:
    """The copy of one source's repository."""

    def __init__(self, source: GitSource) -> None:
        self._source = source
        self._copy = source.folder

    async def fetch(self) -> str:
        """Fetch the branch; returns its newest commit. Raises GitError, OSError."""
        if not (self._copy / "HEAD").exists():
            await asyncio.to_thread(self._copy.mkdir, parents=True, exist_ok=True)
            await self._git("init", "--quiet", "--bare", str(self._copy))
        branch = f"+refs/heads/{self._source.branch}:{_HEAD}"
        await self._git(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._source.repository, branch
        )
        return (await self._git("rev-parse", "--verify", "--quiet", _HEAD)).decode().strip()

    async def contains(self, commit: str, newest: str) -> bool:
        """Whether `commit` is known here and `newest` descends from it. Raises GitError."""
        if not await self.knows(commit):
            return False
        status, _, error = await self._run("merge-base", "--is-ancestor", commit, newest)
        if status not in (0, 1):
            raise GitError(error)
        return status == 0

    async def knows(self, commit: str) -> bool:
        """Whether this commit is in the copy."""
        status, _, _ = await self._run("cat-file", "-e", f"{commit}^{{commit}}")
        return status == 0

    async def difference(self, base: str, newest: str) -> list[GitFile]:
        """The files that differ, below the source's path. Raises GitError."""
        below = ["--", self._source.path] if self._source.path else []
        arguments = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", base, newest, *below)
        return files_of(await self._git(*arguments))

    async def last_commit(self, base: str, newest: str, path: bytes) -> GitCommit:
        """The commit that changed a file last. Raises GitError."""
        shown = "--format=%H%x00%an%x00%ae%x00%s%x00%B"
        commits = newest if base == EMPTY_TREE else f"{base}..{newest}"
        for each in (commits, newest):
            output = await self._git("log", "-1", shown, each, "--", os.fsdecode(path))
            match output.decode(errors="replace").split("\0"):
                case [commit, author_name, author_email, subject, message]:
                    return GitCommit(
                        commit,
                        author_name[:_NAME_MAX_CHARS],
                        author_email[:_NAME_MAX_CHARS],
                        subject[:_MESSAGE_MAX_CHARS],
                        message.strip()[:_MESSAGE_MAX_CHARS],
                    )
                case _:
                    continue
        raise GitError(f"No commit up to {newest} has changed the file.")

    async def size(self, blob: str) -> int:
        """The size of a content in bytes. Raises GitError."""
        return int(await self._git("cat-file", "-s", blob))

    async def content(self, blob: str) -> bytes:
        """A content. Raises GitError."""
        return await self._git("cat-file", "blob", blob)

    async def _git(self, *arguments: str) -> bytes:
        status, output, error = await self._run(*arguments)
        if status:
            raise GitError(f"git {arguments[0]}: {error or f'status {status}'}")
        return output

    async def _run(self, *arguments: str) -> tuple[int, bytes, str]:
        process = await asyncio.create_subprocess_exec(
            "git",
            "--literal-pathspecs",
            *([] if arguments[0] == "init" else ["-C", str(self._copy)]),
            *arguments,
            env=self._environ(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                output, error = await asyncio.gather(_limited(process.stdout), _limited(process.stderr))
                status = await process.wait()
        except TimeoutError as late:
            raise GitError(f"git {arguments[0]} took longer than {TIMEOUT_S:g} s.") from late
        finally:
            if process.returncode is None:
                # With its helpers, which hold the connection.
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return status, output, error.decode(errors="replace").strip()[:_ERROR_MAX_CHARS]

    def _environ(self) -> dict[str, str]:
        environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", "/"),
            "LC_ALL": "C",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        settings = {"core.hooksPath": os.devnull, "fetch.fsckObjects": "true", "gc.auto": "0"}
        if self._source.header_file is not None:
            # In the environment, because anyone on the machine sees the arguments.
            settings["http.extraHeader"] = read_secret_file(self._source.header_file, "header_file")
        for number, (name, value) in enumerate(settings.items()):
            environ |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        environ["GIT_CONFIG_COUNT"] = str(len(settings))
        environ["GIT_SSH_COMMAND"] = self._ssh()
        return environ

    def _ssh(self) -> str:
        key = self._source.ssh_key_file
        own = "" if key is None else f" -o IdentitiesOnly=yes -i {_quoted(key)}"
        return f"ssh -o BatchMode=yes -o StrictHostKeyChecking=yes{own}"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


async def _limited(stream: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while part := await stream.read(64 * 1024):
        found += part
        if len(found) > _OUTPUT_MAX_BYTES:
            raise GitError(f"git wrote more than {_OUTPUT_MAX_BYTES:,} bytes.")
    return bytes(found)


def files_of(raw: bytes) -> list[GitFile]:
    """The files in the output of `git diff-tree -r -z --raw`. Pure."""
    parts = raw.split(b"\0")[:-1]
    files: list[GitFile] = []
    for head, path in zip(parts[::2], parts[1::2], strict=True):
        old_mode, new_mode, old, new, status = head.decode("ascii").removeprefix(":").split(" ")
        operation = {"A": "create", "D": "delete"}.get(status, "edit")
        mode = old_mode if operation == "delete" else new_mode
        files.append(
            GitFile(
                path=path,
                operation=operation,
                blob=None if new == _NO_OBJECT else new,
                base_blob=None if old == _NO_OBJECT else old,
                is_regular=mode in _REGULAR,
            )
        )
    return files
