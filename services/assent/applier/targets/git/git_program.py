"""Runs the git program so that nothing but the applier's configuration decides what it does."""

import base64
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

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


class GitError(Exception):
    """Git ended with an error. `said`: the end of what it printed, without secrets."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said or f"git ended with {code}")
        self.code: Final = code
        self.said: Final = said


class GitTimeoutError(Exception):
    """Git did not end in time, and was killed."""


class GitProgram(msgspec.Struct, frozen=True):
    """Git on one bare repository, without the user's and the system's configuration."""

    repository: Path
    table: GitTable
    timeout_s: float
    """For each call that uses the network."""

    def run(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        """What git prints. Raises GitError, GitTimeoutError, SecretError."""
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
        try:
            printed, errors = process.communicate(stdin, timeout=self.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise GitTimeoutError from error
        finally:
            # Also what it started: ssh, or a helper for https.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
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
