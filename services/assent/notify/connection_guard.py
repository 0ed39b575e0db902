"""Restrains a thread of code that opens its own connections: checks their addresses, and can cut them.

The check happens where a socket is connected, after every name resolution, redirect and option of the
library. It uses the audit event that Python raises there. An audit hook cannot be removed, so it is added
once, and ignores threads that are not on a leash.
"""

import socket
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from assent.targets.addresses import PrivateAddressError, is_public

_FORBIDDEN: Final = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        # The new thread would not be on the leash.
        "_thread.start_new_thread",
        # It needs no connection.
        "socket.sendto",
    }
)
"""Audit events of operations that neither mail nor chat needs."""


class CutError(ConnectionAbortedError):
    """The thread's time is up: it cannot open another connection."""


class ConnectionGuard:
    """A context manager for the restrained thread."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._cut = False
        self.refused = False
        """Whether the thread tried to reach an address that is not public."""

    def __enter__(self) -> Self:
        _add_hook()
        _thread.leash = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _thread.leash = None
        with self._lock:
            self._cut = True
            for each in self._held:
                each.close()
            self._held = []

    def cut(self) -> None:
        """Cut the thread's connections, so that it ends soon. Can be called from any thread at any time."""
        with self._lock:
            self._cut = True
            for each in self._held:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def connecting(self, own: socket.socket, address: Any) -> None:
        """The thread connects a socket. Raises PrivateAddressError, CutError."""
        host = address[0] if isinstance(address, tuple) and address else ""
        if not self._allow_private and not (isinstance(host, str) and is_public(host)):
            self.refused = True
            raise PrivateAddressError
        with self._lock:
            if self._cut:
                raise CutError
            # A second handle, because TLS detaches the first one from the socket that we see here.
            self._held.append(own.dup())


class _OfThread(threading.local):
    leash: ConnectionGuard | None = None


_thread: Final = _OfThread()
_hooked: Final = threading.Event()
_hooking: Final = threading.Lock()


def _add_hook() -> None:
    with _hooking:
        if not _hooked.is_set():
            sys.addaudithook(_audit)
            _hooked.set()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        leash = _thread.leash
        if leash is not None:
            leash.connecting(args[0], args[1])
    elif event in _FORBIDDEN and _thread.leash is not None:
        raise PermissionError(event)
