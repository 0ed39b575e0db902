"""The calls that wait or have ended: a file for each, written before anything depends on it."""

import fcntl
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec

from assent_contracts.client.durable_file import write_durably
from assent_contracts.digests import sha256_hex

OPEN_MAX: Final = 100
"""How many calls of one agent can wait at once. Each of them waits for a person."""
KEPT_MAX: Final = 1_000
"""How many calls of one agent are kept that have ended."""
_SUFFIX: Final = ".json"


class ParkedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    task: str
    """Its id as a task, which cannot be guessed."""
    agent: str
    tool: str
    digest: str
    """Of the normalised change: the same for the next call with the same arguments."""
    command: bytes
    """The submission's bytes. Its payload has the call's arguments, and nothing else is ever executed."""
    parked_at: int
    """ms since 1970."""
    changed_at: int
    request: str | None = None
    """The request, once the ledger has it."""
    why: str | None = None
    """What it waits for, if not for approval."""
    called: str | None = None
    """The idempotency key of the release for which the tool was called, written before the call."""
    result: bytes | None = None
    """What the server answered, JSON."""
    end: str | None = None
    """How it ended if there is no result, for the agent."""
    ended: bool = False
    rejected: bool = False
    fetched: bool = False
    """Whether the agent has been told how it ended."""

    @property
    def submission(self) -> str:
        """SHA-256 (hex) of the submission's bytes, which approvals and the release name."""
        return sha256_hex(self.command)


class CallsInUseError(Exception):
    """Another process uses this state folder: give each proxy its own, and its own account."""


class ParkedCalls:
    """All of them. Only one process can use the folder at a time."""

    def __init__(self, folder: Path) -> None:
        """Reads them. Raises CallsInUseError, OSError, and msgspec.DecodeError for a broken file."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            msg = f"{folder} is in use by another proxy: give each its own state folder and its own account."
            raise CallsInUseError(msg) from None
        self._turn = threading.Lock()
        self._by_task: dict[str, ParkedCall] = {}
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            if not path.name.startswith("."):
                call = msgspec.json.decode(path.read_bytes(), type=ParkedCall)
                self._by_task[call.task] = call

    def close(self) -> None:
        """Release the folder."""
        os.close(self._lock)

    def put(self, call: ParkedCall) -> None:
        """Add or replace one. Durable on return."""
        write_durably(self._path(call.task), msgspec.json.encode(call))
        self._by_task[call.task] = call

    def change(self, task: str, **fields: Any) -> ParkedCall:
        """Change fields of one. Durable on return. Threads take turns, so none undoes what another did."""
        with self._turn:
            changed = msgspec.structs.replace(
                self._by_task[task], changed_at=int(time.time() * 1_000), **fields
            )
            self.put(changed)
            return changed

    def of_task(self, task: str, agent: str) -> ParkedCall | None:
        """An agent's own call."""
        call = self._by_task.get(task)
        return call if call is not None and call.agent == agent else None

    def newest_like(self, agent: str, digest: str) -> ParkedCall | None:
        """The agent's newest call of the same change."""
        found = [each for each in self._all() if each.agent == agent and each.digest == digest]
        return max(found, key=lambda each: each.parked_at, default=None)

    def of_submission(self, submission: str) -> ParkedCall | None:
        """The call that a release is of."""
        return next((each for each in self._all() if each.submission == submission), None)

    def open(self) -> list[ParkedCall]:
        """Those that have not ended, oldest first."""
        return sorted((each for each in self._all() if not each.ended), key=lambda each: each.parked_at)

    def open_of(self, agent: str) -> int:
        """How many calls of this agent have not ended. No agent uses up what another one may have."""
        return sum(each.agent == agent for each in self.open())

    def current(self, task: str) -> ParkedCall:
        """The call as it is now."""
        return self._by_task[task]

    def forget(self, keep_s: float) -> None:
        """Remove those that ended longer ago, and the oldest of an agent that has too many."""
        ended = sorted((each for each in self._all() if each.ended), key=lambda each: each.changed_at)
        before_ms = int((time.time() - keep_s) * 1_000)
        left = Counter(each.agent for each in ended)
        for each in ended:
            if each.changed_at < before_ms or left[each.agent] > KEPT_MAX:
                self.drop(each)
                left[each.agent] -= 1

    def drop(self, call: ParkedCall) -> None:
        """Remove one."""
        with self._turn:
            self._path(call.task).unlink(missing_ok=True)
            self._by_task.pop(call.task, None)

    def _all(self) -> tuple[ParkedCall, ...]:
        # A copy: another thread may add one in the meantime.
        return tuple(self._by_task.values())

    def _path(self, task: str) -> Path:
        return self._folder / f"{task}{_SUFFIX}"
