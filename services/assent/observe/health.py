"""What a process knows about itself: whether it runs, and what it lacks for its work."""

import time
from typing import Final

import msgspec

from assent.observe import metrics

STALLED_AFTER_S = 30.0


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a condition does not hold, and what to do about it: a sentence or two each, for people."""

    why: str
    todo: str
    place: str = ""
    """The part of the log that lost something, if any did: `assent.ledger/3`, or `assent.ledger`."""
    kind: str = ""
    """What happened to that part, such as `cut`: a finding's kind."""

    @property
    def fault(self) -> str:
        """The fault of the log that it is about, such as `assent.ledger/3 cut`; empty for none."""
        return fault_of(self.place, self.kind) if self.place else ""


def fault_of(place: str, kind: str) -> str:
    """The name of one fault of the log."""
    return f"{place} {kind}"


STARTING: Final = Reason(why="It is starting.", todo="Wait a moment. If this persists, see its log.")


class Health:
    """The health of this process. Each named condition is ready, or there is a reason why it is not."""

    def __init__(self, *conditions: str) -> None:
        """All conditions start as not ready."""
        self._missing = dict.fromkeys(conditions, STARTING)
        for condition in conditions:
            metrics.NOT_READY.labels(condition).set(1)
        self._held: set[str] = set()
        """Those that were ready before: a service that starts has lost nothing."""
        self._noted: dict[str, Reason] = {}
        self._beat = time.monotonic()

    def ready(self, condition: str) -> None:
        """Note that the condition holds."""
        self._missing.pop(condition, None)
        self._held.add(condition)
        metrics.NOT_READY.labels(condition).set(0)

    def not_ready(self, condition: str, reason: Reason) -> None:
        """Note that the condition does not hold."""
        metrics.NOT_READY.labels(condition).set(1)
        if condition in self._held:
            self._held.remove(condition)
            metrics.OUTAGES.labels(condition).inc()
        self._missing[condition] = reason

    def note(self, condition: str, reason: Reason | None) -> None:
        """Note what people should know but does not stop this process from working; None when it is over."""
        if reason is None:
            self._noted.pop(condition, None)
        else:
            self._noted[condition] = reason

    def beat(self) -> None:
        """Note that the event loop runs. Called at short intervals."""
        self._beat = time.monotonic()

    def missing(self) -> dict[str, Reason]:
        """What is not ready, and why."""
        return dict(self._missing)

    def noted(self) -> dict[str, Reason]:
        """What people should know, ready or not."""
        return dict(self._noted)

    def stalled_s(self) -> float:
        """Seconds since the event loop was last seen running."""
        return time.monotonic() - self._beat
