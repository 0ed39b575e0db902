"""R28: the findings of each object at each target, as reconcilers have reported them."""

from collections import Counter
from typing import Final, Self

import msgspec

from assent_contracts.commands import FindingKind
from assent_contracts.core.requests.evolve import ImpossibleEventError
from assent_contracts.events import FindingClosed, FindingEvent, FindingReported
from assent_contracts.resources import parse_request_id

KNOWN_MAX: Final = 100_000
"""Objects of one partition, at each target, with a known finding. The oldest is forgotten first."""


class KnownFinding(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The newest finding of an object at a target. `seq`: of its record."""

    seq: int
    kind: FindingKind
    version: str | None
    request: str | None


class FindingsContent(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All that an `ObjectFindings` holds, for a snapshot."""

    newest: list[tuple[str, str, KnownFinding]]
    """Object, target and newest finding, in the order of their reports."""
    open: dict[int, tuple[str, str]]
    """Object and reporter of each open finding, by its seq."""
    forgotten: int


class ObjectFindings:
    """The findings of one partition. Computed from its ledger alone, so every reader agrees."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], KnownFinding] = {}
        """By object and target, in the order of their reports."""
        self._open: dict[int, tuple[str, str]] = {}
        """The object and the reporter of each open finding, by its seq."""
        self._open_of: Counter[str] = Counter()
        """How many findings of each reporter are open."""
        self._forgotten = -1
        """The latest seq of a finding that is not in `_newest` any more."""

    def __eq__(self, other: object) -> bool:
        """Whether both know the same findings, reported in the same order."""
        return (
            isinstance(other, ObjectFindings)
            and list(self._newest.items()) == list(other._newest.items())
            and self._open == other._open
            and self._forgotten == other._forgotten
        )

    __hash__ = None  # pyright: ignore[reportAssignmentType]  it changes

    def newest(self, resource: str, target: str) -> KnownFinding | None:
        """The newest finding of an object at a target; None if there is none, or if it is forgotten."""
        return self._newest.get((resource, target))

    def is_newest(self, resource: str, target: str, seq: int | None) -> bool:
        """Whether the finding at `seq` is the newest one of the object at the target. None: there is none.

        Of an object that is forgotten here, any forgotten seq may be the newest one.
        """
        known = self._newest.get((resource, target))
        if known is not None:
            return known.seq == seq
        return seq is None or seq <= self._forgotten

    def is_open(self, seq: int, resource: str) -> bool:
        """Whether the finding at `seq` is open and about this object."""
        found = self._open.get(seq)
        return found is not None and found[0] == resource

    def open_count(self, reporter: str) -> int:
        """How many findings of this account are open."""
        return self._open_of[reporter]

    def content(self) -> FindingsContent:
        """What `of` needs to make equal findings."""
        newest = [(resource, target, known) for (resource, target), known in self._newest.items()]
        return FindingsContent(newest, self._open, self._forgotten)

    @classmethod
    def of(cls, content: FindingsContent) -> Self:
        """The findings with this content, which they take over."""
        made = cls()
        made._newest = {(resource, target): known for resource, target, known in content.newest}
        made._open, made._forgotten = content.open, content.forgotten
        made._open_of = Counter(reporter for _, reporter in content.open.values())
        return made

    def evolve(self, event: FindingEvent) -> None:
        """Note a finding, or that one was closed. Raises ImpossibleEventError."""
        place = parse_request_id(event.finding)
        if place is None:
            msg = f"{type(event).__name__} on {event.finding[:40]!r}, which is not a finding"
            raise ImpossibleEventError(msg)
        if isinstance(event, FindingClosed):
            closed = self._open.pop(place[1], None)
            if closed is not None:
                self._count(closed[1], -1)
            return
        self._report(place[1], event)

    def _report(self, seq: int, event: FindingReported) -> None:
        about = event.resource, event.target
        self._newest.pop(about, None)
        self._newest[about] = KnownFinding(
            seq,
            event.kind,
            event.version if isinstance(event.version, str) else None,
            event.request if isinstance(event.request, str) else None,
        )
        if event.kind != "restored":
            self._open[seq] = event.resource, event.reporter
            self._count(event.reporter, 1)
        if len(self._newest) > KNOWN_MAX:
            oldest = next(iter(self._newest))
            self._forgotten = max(self._forgotten, self._newest.pop(oldest).seq)

    def _count(self, reporter: str, more: int) -> None:
        self._open_of[reporter] += more
        if not self._open_of[reporter]:
            del self._open_of[reporter]
