"""How a command is started so that it can do less: another user, limits, no new privileges."""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from assent.applier.targets.command.table import Arguments, CommandTable

_MIB: Final = 1024 * 1024
_NEEDED: Final = ("prlimit", "setpriv")
_SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH


class ConfinementError(Exception):
    """The commands cannot be confined here. The message says what is missing."""


def confined(table: CommandTable, argv: Arguments) -> list[str]:
    """The program and arguments that start `argv` with the table's limits, as its user.

    Both `prlimit` and `setpriv` replace themselves, so the process that the supervisor starts is the command.
    It is killed when the applier ends, with all processes that it has started.
    """
    limits = [
        f"--as={table.memory_max_mib * _MIB}",
        f"--cpu={table.cpu_max_s}",
        f"--fsize={table.file_max_mib * _MIB}",
        "--core=0",
    ]
    privileges = ["--no-new-privs", "--pdeathsig=KILL"]
    if os.geteuid() == 0:
        user = _user(table)
        privileges += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        privileges += ["--bounding-set=-all", "--inh-caps=-all"]
    supervised = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(os.getpid())]
    return [*supervised, _tool("prlimit"), *limits, "--", _tool("setpriv"), *privileges, "--", *argv]


def user_id(table: CommandTable) -> int | None:
    """The user of the commands, if it is another one than the applier's. Raises ConfinementError."""
    return _user(table).pw_uid if os.geteuid() == 0 else None


def faults_of(table: CommandTable) -> Iterator[str]:
    """What is wrong with the configured commands on this machine, one sentence each."""
    for name in _NEEDED:
        if shutil.which(name) is None:
            yield f"The program {name} is missing: install util-linux."
    try:
        own = _user(table).pw_uid if os.geteuid() == 0 or table.user is not None else os.geteuid()
    except ConfinementError as error:
        yield str(error)
        return
    if os.geteuid() not in (0, own):
        yield f"Only root can run commands as {table.user}: leave out `user`, or run the applier as root."
    for command in table.commands:
        for argv in (command.argv, command.read_back, command.plan):
            if argv is not None:
                yield from _faults_of_program(argv[0], own)


def _faults_of_program(name: str, own: int) -> Iterator[str]:
    path = Path(name)
    if not path.is_absolute():
        yield f"{name}: the program's path must begin with a slash."
        return
    try:
        found = path.resolve(strict=True)
        mode, owner = found.stat().st_mode, found.stat().st_uid
    except OSError as error:
        yield f"{name}: {error.strerror}."
        return
    if not stat.S_ISREG(mode) or not mode & 0o111:
        yield f"{name} is not a program that can be run."
    if mode & _WRITABLE or (os.geteuid() == 0 and owner not in (0, own)):
        yield f"{name} can be changed by other users: its owner must be root, and nobody else may write it."


def _user(table: CommandTable) -> pwd.struct_passwd:
    if table.user is None:
        msg = "The applier runs as root: name in `user` who runs the commands, such as nobody."
        raise ConfinementError(msg)
    try:
        return pwd.getpwnam(table.user)
    except KeyError as error:
        msg = f"There is no user {table.user} on this machine."
        raise ConfinementError(msg) from error


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        msg = f"The program {name} is missing: install util-linux."
        raise ConfinementError(msg)
    return found
