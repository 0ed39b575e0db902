"""Processes of Assent that start without importing: forks of one that has imported everything.

Otherwise they are ordinary processes: killed, paused, read from and waited for by their pid.
"""

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_READY_LIMIT_S: Final = 120.0


class _Server:
    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            argv = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
            environ = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
            # In a session of its own: Ctrl-C at a terminal is for the tests, which end it.
            self._process = subprocess.Popen(
                argv, pass_fds=[theirs.fileno()], env=environ, cwd=_ROOT, start_new_session=True
            )
        self._orders.settimeout(_READY_LIMIT_S)
        assert self._orders.recv(16) == b"ready"
        atexit.register(self._stop)

    def _stop(self) -> None:
        self._orders.close()
        self._process.wait()

    def order(self, order: Mapping[str, object], descriptors: Sequence[int]) -> None:
        message = json.dumps({**order, "server": self._process.pid}).encode()
        content = array.array("i", descriptors)
        with self._lock:
            self._orders.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, content)])


@cache
def _server() -> _Server:
    return _Server()


class Forked:
    """One process, to be used like one of `subprocess.Popen`."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        environ: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
        folder: Path | None = None,
    ) -> None:
        """Run `module` as `python -m` does, or `assent.cli` as the command does, on these descriptors."""
        self.returncode: int | None = None
        self._report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = {
            "module": module,
            "arguments": [module, *arguments],
            "environ": dict(environ),
            "folder": str(folder or Path.cwd()),
        }
        with theirs:
            _server().order(order, [stdin, stdout, stderr, theirs.fileno()])
        self.pid = int(self._report.recv(32))

    def poll(self) -> int | None:
        """The exit code, minus a signal's number; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Does nothing once the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._report], [], [], timeout)[0]:
            with self._report:
                self.returncode = int(self._report.recv(32))
        return self.returncode


def run(
    module: str, arguments: Sequence[str], *, environ: Mapping[str, str], stdin: bytes, limit_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end, as `subprocess.run` does. After `limit_s` it is killed: TimeoutExpired."""
    pipes = [os.pipe() for _ in range(3)]
    (in_read, in_write), (out_read, out_write), (err_read, err_write) = pipes
    try:
        process = Forked(
            module, arguments, environ=environ, stdin=in_read, stdout=out_write, stderr=err_write
        )
    finally:
        for descriptor in (in_read, out_write, err_write):
            os.close(descriptor)
    printed: dict[int, bytes] = {}
    threads = [
        threading.Thread(target=_read, args=(out_read, printed), daemon=True),
        threading.Thread(target=_read, args=(err_read, printed), daemon=True),
        threading.Thread(target=_write, args=(in_write, stdin), daemon=True),
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + limit_s
    try:
        code = process.wait(limit_s)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    finally:
        process.kill()
    return subprocess.CompletedProcess([module, *arguments], code, printed[out_read], printed[err_read])


def _read(descriptor: int, printed: dict[int, bytes]) -> None:
    with open(descriptor, "rb") as pipe:
        printed[descriptor] = pipe.read()


def _write(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb", buffering=0) as pipe:
        try:
            pipe.write(content)
        except BrokenPipeError:
            return  # as in `subprocess`: a reader that does not read does not want it
