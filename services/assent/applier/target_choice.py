"""The target that a configuration names."""

import asyncio
from pathlib import Path
from typing import assert_never

import msgspec

from assent.applier.configuration import Configuration
from assent.applier.targets.command.confinement import ConfinementError
from assent.applier.targets.command.table import CommandTable
from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.git.git_program import GitError, GitKilledError
from assent.applier.targets.git.table import GitTable
from assent.applier.targets.http.table import HttpTable
from assent.applier.targets.secrets import SecretError
from assent.applier.targets.sql.table import SqlTable
from assent.applier.targets.target import Target
from assent.extras import MissingExtraError, need_extra
from assent.process_settings import SettingsError
from assent_contracts.client.handler import Applied, FinalError, Release


async def open_target(
    configuration: Configuration, state: Path, identity: str, *, only_read: bool = False
) -> Target:
    """The target, ready to be changed, or only to be read. Raises SettingsError, which says what is wrong."""
    try:
        return await asyncio.to_thread(_open, configuration, state, identity, only_read=only_read)
    except (ConfinementError, SecretError, GitError, OSError, MissingExtraError) as error:
        raise SettingsError(str(error)) from error
    except GitKilledError as error:
        msg = "Git did not end in time."
        raise SettingsError(msg) from error


def _open(configuration: Configuration, state: Path, identity: str, *, only_read: bool) -> Target:
    # Each kind is imported where it is chosen, because some need packages that others do not.
    timeout_s = configuration.limits.timeout_s
    match configuration.table:
        case FilesTable() as table:
            from assent.applier.targets.files.target import FilesTarget

            return FilesTarget(table, state, identity, only_read=only_read)
        case GitTable() as table:
            from assent.applier.targets.git.target import GitTarget

            _refuse_git(table)
            return GitTarget(table, state / "git", timeout_s)
        case HttpTable() as table:
            need_extra("applier")
            from assent.applier.targets.http.target import HttpTarget
            from assent.applier.targets.http.templates import TemplateFaultError

            try:
                return HttpTarget(table, timeout_s)
            except TemplateFaultError as error:
                raise SettingsError(str(error)) from error
        case SqlTable() as table:
            from assent.applier.targets.sql.target import SqlTarget

            return SqlTarget(table, timeout_s)
        case CommandTable() as table:
            from assent.applier.targets.command.target import CommandTarget

            return CommandTarget(table, timeout_s)
        case _:
            assert_never(configuration.table)


def _refuse_git(table: GitTable) -> None:
    if table.url.startswith("http://") and not table.plain_http:
        msg = "git.url: http:// is not encrypted. Use https://, or set plain_http."
        raise SettingsError(msg)
    if table.url.startswith("ssh://") and (table.ssh_key is None or table.known_hosts is None):
        msg = "git.ssh_key, git.known_hosts: both are required for ssh://."
        raise SettingsError(msg)
    if table.url.startswith("http") and "@" in table.url.partition("//")[2].partition("/")[0]:
        msg = "git.url: leave out the user and the password, and name them in user and token."
        raise SettingsError(msg)


class Limited(msgspec.Struct, frozen=True):
    """A target's handler that refuses what is too large."""

    target: Target
    payload_max_bytes: int

    async def apply(self, release: Release) -> Applied | None:
        """Make the change. Raises what the target raises, and FinalError."""
        size = len(bytes(release.change.payload))
        if size > self.payload_max_bytes:
            most = self.payload_max_bytes
            msg = f"Nothing was changed: the payload has {size} bytes, and {most} are allowed."
            raise FinalError(msg)
        return await self.target.apply(release)
