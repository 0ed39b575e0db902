"""Identify a process: a pid alone is reused, a pid with its start time is not."""

from dataclasses import dataclass
from typing import Any

import psutil

# The start time is computed from the boot time, which moves a little when the clock is set.
_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class ProcessIdentity:
    """A process by pid and start time (seconds since the epoch)."""

    pid: int
    started: float

    def as_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started}

    @staticmethod
    def from_json(document: dict[str, Any]) -> "ProcessIdentity":
        return ProcessIdentity(int(document["pid"]), float(document["started"]))

    def process(self) -> psutil.Process | None:
        """The process while it runs; None once it has ended, even if another one got its pid."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) <= _TOLERANCE_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    @property
    def alive(self) -> bool:
        return self.process() is not None


def identity_of(pid: int) -> ProcessIdentity | None:
    """The identity of a running process; None when no process has that pid."""
    try:
        return ProcessIdentity(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
