"""A program as a target: an allow-listed command gets the payload, and its exit code is the outcome.

Whether an effect happens exactly once depends on the command. It gets the idempotency key, and `read_back`
can say whether a change was made. Without that, a change of which nothing is known after a crash is not made
again, unless the command is `repeatable`.
"""

import os
import shutil
import tempfile
from typing import Final

import msgspec

from assent.applier.targets.command.confinement import ConfinementError, confined, faults_of, user_id
from assent.applier.targets.command.process_run import Ended, run_process
from assent.applier.targets.command.table import VARIABLES, Arguments, Command, CommandTable
from assent.applier.targets.secrets import SecretError, read_secret, without_secrets
from assent_contracts.client.handler import Applied, FinalError, Release, RetryableError, UnknownOutcomeError
from assent_contracts.codec import encode
from assent_contracts.file_payloads import file_of_payload
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

_SHOWN_CHARS: Final = 500
_VERSION: Final = "version: "
_VERSION_MAX_CHARS: Final = 200


class CommandTarget:
    """The configured commands."""

    def __init__(self, table: CommandTable, timeout_s: float) -> None:
        """`timeout_s`: for each run of a command. Raises ConfinementError."""
        faults = list(faults_of(table))
        if faults:
            raise ConfinementError(" ".join(faults))
        self._table = table
        self._timeout_s = timeout_s

    @property
    def reads_back(self) -> bool:
        """False only if every command may run again."""
        return any(each.read_back is not None or not each.repeatable for each in self._table.commands)

    async def apply(self, release: Release) -> Applied | None:
        """Run the command for the change."""
        command = self._command(release.change)
        ended = await self._run(command.argv, release.change, release)
        if ended.timed_out:
            msg = f"The command did not end within {self._timeout_s:g} s and was killed.{_last(ended)}"
            raise UnknownOutcomeError(msg)
        if ended.code == 0:
            return _applied(ended)
        if ended.code in command.final:
            raise FinalError(f"The command ended with {ended.code}, nothing was changed.{_last(ended)}")
        if ended.code in command.retryable:
            raise RetryableError(f"The command ended with {ended.code}, nothing was changed.{_last(ended)}")
        how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"ended with {ended.code}"
        msg = f"The command {how}, which does not state whether anything was changed.{_last(ended)}"
        raise UnknownOutcomeError(msg)

    async def read_back(self, release: Release) -> Applied | None:
        """Run the command's `read_back`."""
        command = self._command(release.change)
        if command.read_back is None:
            if command.repeatable:
                return None
            msg = (
                "The command may have run, and it has no `read_back` that shows whether it changed anything."
            )
            raise UnknownOutcomeError(msg)
        ended = await self._run(command.read_back, release.change, release)
        if ended.code == 0 and not ended.timed_out:
            return _applied(ended)
        if ended.code in command.not_made and not ended.timed_out:
            return None
        msg = f"The command's `read_back` ended with {ended.code}.{_last(ended)}"
        raise UnknownOutcomeError(msg)

    async def plan(self, change: Change) -> str:
        """What the command's `plan` prints, or the command that would run."""
        command = self._command(change)
        if command.plan is None:
            return f"would run {list(command.argv)} with {len(self._stdin(change))} bytes of input\n"
        ended = await self._run(command.plan, change, None)
        if ended.code != 0 or ended.timed_out:
            msg = f"The command's `plan` ended with {ended.code}.{_last(ended)}"
            raise FinalError(msg)
        return _text(ended.output)

    async def close(self) -> None:
        """Nothing is open."""

    def _command(self, change: Change) -> Command:
        kind = resource_type(change.resource)
        for each in self._table.commands:
            if (each.types is None or kind in each.types) and (
                each.operations is None or change.operation in each.operations
            ):
                return each
        msg = (
            f"Nothing was changed: no command is configured for the operation {change.operation} of a {kind}."
        )
        raise FinalError(msg)

    async def _run(self, argv: Arguments, change: Change, release: Release | None) -> Ended:
        stdin = self._stdin(change)
        folder = self._table.folder or tempfile.mkdtemp(prefix="assent-command-")
        try:
            user = user_id(self._table)
            if user is not None and self._table.folder is None:
                os.chown(folder, user, -1)
            secrets = {name: read_secret(place) for name, place in self._table.secrets.items()}
            environment = self._environment(change, release, folder, secrets)
            ended = await run_process(
                confined(self._table, argv),
                stdin=stdin,
                environment=environment,
                folder=folder,
                timeout_s=self._timeout_s,
                output_max_bytes=self._table.output_max_kib * 1024,
            )
        except (OSError, SecretError, ConfinementError) as error:
            msg = f"The command could not be started, and nothing was changed: {error}"
            raise RetryableError(msg) from error
        finally:
            if self._table.folder is None:
                shutil.rmtree(folder, ignore_errors=True)
        return msgspec.structs.replace(
            ended,
            output=_hidden(ended.output, secrets),
            errors=_hidden(ended.errors, secrets),
        )

    def _stdin(self, change: Change) -> bytes:
        match self._table.stdin:
            case "payload":
                return bytes(change.payload)
            case "change":
                return encode(change)
            case "file":
                content = file_of_payload(bytes(change.payload))
                if content is None:
                    msg = (
                        "Nothing was changed: the payload is not a file, which is one JSON string or $base64."
                    )
                    raise FinalError(msg)
                return content

    def _environment(
        self, change: Change, release: Release | None, folder: str, secrets: dict[str, str]
    ) -> dict[str, str]:
        kind, _, name = change.resource.partition("/")
        facts = [
            change.request,
            change.resource,
            kind,
            name,
            change.operation,
            change.requester,
            change.submission,
            change.digest,
        ]
        if release is not None:
            facts += [release.idempotency_key, str(release.claim)]
        given = dict(zip(VARIABLES, facts, strict=False))
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            "LC_ALL": "C.UTF-8",
            **self._table.environment,
            **secrets,
            **given,
        }


def _hidden(printed: bytes, secrets: dict[str, str]) -> bytes:
    # As a shell with `set -x` prints them.
    return without_secrets(_text(printed), secrets.values()).encode()


def _applied(ended: Ended) -> Applied:
    """The output's last line is for people. Any line `version: …` names the version that was made."""
    lines = _text(ended.output).splitlines()
    versions = [line.removeprefix(_VERSION) for line in lines if line.startswith(_VERSION)]
    message = next((line for line in reversed(lines) if line.strip() and not line.startswith(_VERSION)), "")
    return Applied(message.strip()[:_SHOWN_CHARS], (versions or [""])[-1].strip()[:_VERSION_MAX_CHARS])


def _last(ended: Ended) -> str:
    said = _text(ended.errors).strip() or _text(ended.output).strip()
    return f" It printed: {said[-_SHOWN_CHARS:]}" if said else ""


def _text(printed: bytes) -> str:
    return printed.decode(errors="replace")
