"""`python -m tests.support.fork_server FD`: imports Assent once, then forks a process on each order.

A fork is a process like any other, with its own environment, pipes and exit code. It saves the half second in
which Python imports what a command or a service needs. `tests/support/forked.py` sends the orders.
"""

import array
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
from typing import Any, Final

import assent

_MESSAGE_BYTES: Final = 1 << 20
_PR_SET_PDEATHSIG: Final = 1
_STANDARD: Final = 3
"""Standard input, output and error, in this order; then where the end is reported."""


def _import_everything() -> None:
    for module in pkgutil.walk_packages(assent.__path__, "assent."):
        if not module.name.endswith((".__main__", ".die_with_parent")):
            importlib.import_module(module.name)
    # The imported modules are shared with the children as long as nobody writes to them.
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket) -> dict[str, Any] | None:
    """Fork on order; returns the order in the child, and None here once no client is left."""
    reports: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.settimeout(0)
    before = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake.fileno())
    while (order := _next_order(orders, woken, reports)) is not None:
        message, descriptors = order
        report = socket.socket(fileno=descriptors[_STANDARD])
        assert threading.active_count() == 1, "a thread does not survive a fork"
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, before)
            for each in (orders, woken, wake, report, *reports.values()):
                each.close()
            _become(message, descriptors[:_STANDARD])
            return message
        for descriptor in descriptors[:_STANDARD]:
            os.close(descriptor)
        report.send(str(pid).encode())
        reports[pid] = report
    return None


def _next_order(
    orders: socket.socket, woken: socket.socket, reports: dict[int, socket.socket]
) -> tuple[dict[str, Any], list[int]] | None:
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _reap(reports)
        if orders in ready:
            message, ancillary, _, _ = orders.recvmsg(_MESSAGE_BYTES, socket.CMSG_SPACE(16 * (_STANDARD + 1)))
            if not message:
                return None
            descriptors = array.array("i")
            for _, _, content in ancillary:
                descriptors.frombytes(content)
            return json.loads(message), list(descriptors)


def _reap(reports: dict[int, socket.socket]) -> None:
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with reports.pop(pid) as report:
            try:
                report.send(str(os.waitstatus_to_exitcode(status)).encode())
            except OSError:
                continue  # the client is no longer interested


def _become(order: dict[str, Any], standard: list[int]) -> None:
    """Set up a new process: streams, environment, folder, arguments; it ends when the fork server does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != order["server"]:
            os._exit(1)
    os.setsid()
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    sys.argv[:] = order["arguments"]
    encoding = sys.stdout.encoding
    sys.stdin = sys.__stdin__ = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", encoding=encoding, errors="backslashreplace", buffering=1, closefd=False
    )


def main() -> None:
    orders = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    orders.send(b"ready")
    order = serve(orders)
    if order is None:
        return
    if order["module"] == "assent.cli":
        from assent.cli import main as command_line

        command_line()
    else:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
