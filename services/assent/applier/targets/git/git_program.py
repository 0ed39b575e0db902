"""Runs the git program so that nothing but the applier's configuration decides what it does."""

import base64
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from assent.applier.targets.git.table import GitTable
from assent.applier.targets.secrets import read_secret

_SETTINGS: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.protectNTFS": "true",
    "core.protectHFS": "true",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "gc.auto": "0",
    "gpg.format": "ssh",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "user.useConfigOnly": "true",
}


OUTPUT_MAX_BYTES: Final = 32 * 1024 * 1024
"""The most that git may print. Files in the repository, and the host's messages, come from others."""
_CHUNK_BYTES: Final = 64 * 1024
_LOOK_S: Final = 0.02


class GitError(Exception):
    """Git ended with an error. `said`: the end of what it printed, without secrets."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said or f"git ended with {code}")
        self.code: Final = code
        self.said: Final = said


class GitKilledError(Exception):
    """Git did not end in time, or printed too much, and was killed. It may have done its work."""


class GitProgram(msgspec.Struct, frozen=True):
    """Git on one bare repository, without the user's and the system's configuration."""

    repository: Path
    table: GitTable
    timeout_s: float
    """For each call that uses the network."""

    def run(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        """What git prints. Raises GitError, GitKilledError, SecretError."""
        environment = self._environment()
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        process = subprocess.Popen(  # noqa: S603  the arguments are the caller's, and there is no shell
            ["git", "-C", str(self.repository), *arguments],  # noqa: S607  the PATH is the operator's
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        printed, errors = _output_of(process, stdin, self.timeout_s)
        if process.returncode:
            raise GitError(process.returncode, _end_of(printed[-1_000:] + b"\n" + errors))
        return printed

    def text(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> str:
        """The same as text, without the line break at its end."""
        return self.run(*arguments, stdin=stdin, index=index).decode(errors="replace").rstrip("\n")

    def _environment(self) -> dict[str, str]:
        table = self.table
        settings = dict(_SETTINGS)
        scheme = _scheme(table.url)
        settings[f"protocol.{scheme}.allow"] = "always"
        if scheme == "file":
            # The repository of the target may belong to another user of this machine.
            settings["safe.directory"] = "*"
        if table.signing_key is not None:
            settings["user.signingKey"] = str(table.signing_key)
        if table.token is not None:
            basic = base64.b64encode(f"{table.user}:{read_secret(table.token)}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {basic}"
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C",
            "HOME": str(self.repository),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "GIT_SSH_COMMAND": _ssh(table),
            # Not as arguments: every user of this machine can read those.
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(settings.values())},
            **{f"GIT_{who}_NAME": table.author for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": table.email for who in ("AUTHOR", "COMMITTER")},
        }


def _output_of(process: subprocess.Popen[bytes], stdin: bytes, timeout_s: float) -> tuple[bytes, bytes]:
    """What git and its helpers print, within limits. Raises GitKilledError."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    printed = _Beginning(process.stdout, OUTPUT_MAX_BYTES)
    errors = _Beginning(process.stderr, OUTPUT_MAX_BYTES)
    feeding = threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
    for thread in (printed, errors, feeding):
        thread.start()
    until = time.monotonic() + timeout_s
    try:
        while not (printed.has_ended and errors.has_ended) and time.monotonic() < until:
            if printed.too_much or errors.too_much:
                break
            printed.join(_LOOK_S)
            errors.join(_LOOK_S)
        if not (printed.has_ended and errors.has_ended):
            raise GitKilledError
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise GitKilledError from error
    finally:
        if process.returncode is None:
            # Also what it started: ssh, or a helper for https.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        feeding.join(1)
    return bytes(printed.kept), bytes(errors.kept)


class _Beginning(threading.Thread):
    """Reads a stream to its end, or until it is too much."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._most = most
        self.kept = bytearray()
        self.too_much = False
        self.has_ended = False

    def run(self) -> None:
        with self._stream as stream:
            while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
                if len(self.kept) + len(chunk) > self._most:
                    self.too_much = True
                    return
                self.kept += chunk
        self.has_ended = True


def _feed(stream: IO[bytes], content: bytes) -> None:
    # Git may end without having read everything.
    with suppress(BrokenPipeError), stream:
        stream.write(content)


def _scheme(url: str) -> str:
    return "file" if url.startswith("/") else url.partition(":")[0]


def _ssh(table: GitTable) -> str:
    if table.ssh_key is None or table.known_hosts is None:
        return "false"
    options = (
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={table.known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        "ConnectTimeout=20",
    )
    return " ".join(["ssh", "-F", "/dev/null", "-i", str(table.ssh_key), *(f"-o {each}" for each in options)])


def _end_of(printed: bytes) -> str:
    lines = printed[-4_000:].decode(errors="replace").strip().splitlines()
    return " ".join(line.strip() for line in lines[-6:])[-600:]
