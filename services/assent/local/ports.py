"""Chooses TCP ports of 127.0.0.1 for a data directory: its last one, the usual one, or a free one."""

import json
import socket
import sys
from dataclasses import dataclass

from assent.local.data_directory import Directory, replace_file

HOST = "127.0.0.1"


@dataclass(frozen=True)
class HeldPort:
    """A port that no other stack will choose until it is released or this process ends.

    Between the choice and the listening, and between a kill and the restart, the port itself is free for any
    program. So on Linux a named socket (not a file) is held instead, and every stack checks for it. Against
    other programs, another port is chosen.
    """

    number: int
    hold: socket.socket | None

    def release(self) -> None:
        if self.hold:
            self.hold.close()


def hold_port(directory: Directory, name: str, *, usual: int) -> HeldPort:
    """A port that is free now. It is remembered for the next start on this directory."""
    remembered = _read(directory)
    others = {port for other, port in remembered.items() if other != name}
    for port in (remembered.get(name), usual):
        if port is not None and port not in others and (held := _try(port)):
            return _remember(directory, name, held)
    while True:
        port = free_port()
        if port not in others and (held := _try(port)):
            return _remember(directory, name, held)


def free_port() -> int:
    """A port that nothing is bound to at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _try(port: int) -> HeldPort | None:
    hold = None
    if sys.platform == "linux":
        hold = socket.socket(socket.AF_UNIX)
        try:
            hold.bind(f"\0assent-port-{port}")
        except OSError:
            hold.close()
            return None
    if _is_free(port):
        return HeldPort(port, hold)
    if hold:
        hold.close()
    return None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Lingering connections on the port do not count, only a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _read(directory: Directory) -> dict[str, int]:
    try:
        return json.loads(directory.ports.read_text())
    except FileNotFoundError:
        return {}


def _remember(directory: Directory, name: str, held: HeldPort) -> HeldPort:
    replace_file(directory.ports, json.dumps(_read(directory) | {name: held.number}, indent=2) + "\n")
    return held
