"""`python supervisor.py PARENT PROGRAM …`: runs a program, and leaves none of its processes when it ends.

A process can leave its group and its session, and outlive the command that started it. But while this one
lives, as a subreaper, every such orphan becomes its child, and is killed. It ends as the program does. On
SIGTERM, also sent when the applier dies, it kills the program first. It uses the standard library only,
because it starts with each command.
"""

import ctypes
import os
import resource
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLEANED_WITHIN_S = 5.0
_LOOK_S = 0.005
_WAITED_FOR = frozenset({signal.SIGCHLD, signal.SIGTERM})


def main(parent: int, program: list[str]) -> None:
    """Run the program. It does not return."""
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_CHILD_SUBREAPER, 1), (PR_SET_PDEATHSIG, signal.SIGTERM)):
        if libc.prctl(option, value, 0, 0, 0):
            os._exit(126)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    if os.getppid() != parent:
        os._exit(125)  # the applier died before its death would have been noticed
    child = os.fork()
    if child == 0:
        _become(program)
    # So that the applier notices when the command has closed its input.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = _wait(child)
    _kill_all()
    _end_as(-signal.SIGKILL if code is None else code)


def _become(program: list[str]) -> None:
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)
        os.execv(program[0], program)  # noqa: S606  that is what this program is for
    finally:
        os._exit(127)


def _wait(child: int) -> int | None:
    """The exit code of the child, negative for a signal; None if this process is asked to end before."""
    while True:
        if signal.sigwait(_WAITED_FOR) == signal.SIGTERM:
            return None
        for pid, status in _ended():
            if pid == child:
                return os.waitstatus_to_exitcode(status)


def _ended() -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def _kill_all() -> None:
    until = time.monotonic() + CLEANED_WITHIN_S
    while (left := _descendants()) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        _ended()
        time.sleep(_LOOK_S)


def _descendants() -> set[int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  pathlib takes as long to import as all the rest
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  the same
                stat = file.read()
        except OSError:
            continue
        state, parent = stat.rpartition(b")")[2].split()[:2]
        if state != b"Z":
            parents[int(name)] = int(parent)
    found, before = {os.getpid()}, 0
    while len(found) > before:
        before = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found - {os.getpid()}


def _end_as(code: int) -> None:
    if code >= 0:
        os._exit(code)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    number = abs(code)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
