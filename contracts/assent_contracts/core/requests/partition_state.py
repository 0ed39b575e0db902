"""The requests of one partition, computed from its ledger, for use in decisions."""

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Final, Self

import msgspec
from msgspec import UNSET

from assent_contracts.core.command_memory import CommandMemory, MemoryContent
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.log_time import corrected
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve, open_request
from assent_contracts.core.requests.object_findings import FindingsContent, ObjectFindings
from assent_contracts.core.requests.object_versions import ObjectVersions
from assent_contracts.core.requests.states import Closed, Request, Unsettled
from assent_contracts.core.retention import RetentionQueue
from assent_contracts.events import (
    ChangeSubmitted,
    CommandRepeated,
    Event,
    FindingEvent,
    LeaseRenewed,
    LogTimeCorrected,
    RequestCompleted,
    RequestEvent,
    WritersChanged,
)
from assent_contracts.limits import COMMAND_MEMORY_MS
from assent_contracts.resources import parse_request_id

CLOSED_MEMORY_MS = COMMAND_MEMORY_MS
"""How long an ended request is known, so that a late command is told how it ended."""
PASSED_DEADLINES = 16
"""How many outdated deadlines may be kept, besides two deadlines for each open request."""


class Ended(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A request that has ended, by its seq."""

    seq: int
    until: int
    """The log time (ms) up to which it is known."""


class PartitionContent(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All that a `PartitionState` holds, for a snapshot. Indexes are left out, because they follow."""

    partition: int
    at: int
    governance: int
    records: int
    writers_since: int
    memory: MemoryContent
    requests: dict[int, Request]
    versions: dict[str, str]
    findings: FindingsContent
    last: dict[int, int]
    ended: list[list[Ended]]
    deadlines: list[tuple[int, int]]


_OF_NO_REQUEST: Final = (CommandRepeated, LogTimeCorrected)


class PartitionState:
    """The state of one partition. Its one owner advances it with `record`."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.at = 0
        """The log time of the last record, ms. `at_under` returns what it counts as for the next record."""
        self.governance = -1
        """The governance seq that the last record names."""
        self.records = 0
        """How many records have been consumed."""
        self.writers_since = 0
        """The latest change of writers, by its governance seq, that a record here names."""
        self.memory = CommandMemory()
        self.requests: dict[int, Request] = {}
        self.versions = ObjectVersions()
        """R26: the newest versions of the objects, as reported."""
        self.findings = ObjectFindings()
        """R28: the findings of the objects, as reported."""
        self._last: dict[int, int] = {}
        """The seq of the last record that changed a request, if one did after its submission."""
        self._open_by_resource: dict[str, int] = {}
        self._open_by_requester: dict[str, int] = {}
        self._closed_in_order: RetentionQueue[Ended] = RetentionQueue()
        self._deadlines: list[tuple[int, int]] = []

    def open_request(self, resource: str) -> int | None:
        """R10: the seq of the open request for this object, if there is one."""
        return self._open_by_resource.get(resource)

    def find(self, request_id: str, resource: str) -> Request | None:
        """The request with this id, if it is in this partition and for this object."""
        position = parse_request_id(request_id)
        if position is None or position[0] != self.partition:
            return None
        request = self.requests.get(position[1])
        if request is None:
            return None
        of = request.resource if isinstance(request, Closed) else request.submission.resource
        return request if of == resource else None

    def last_seq(self, request_id: str) -> int:
        """The seq of the last record that changed a known request."""
        position = parse_request_id(request_id)
        assert position is not None, "what is known has an id"
        return self._last.get(position[1], position[1])

    def due(self, at: int) -> Iterator[int]:
        """The seqs of the requests whose deadline `at` has reached, the earliest first.

        Each must be recorded as expired before the next one is requested.
        """
        while self._deadlines and self._deadlines[0][0] <= at:
            deadline, seq = heapq.heappop(self._deadlines)
            request = self.requests.get(seq)
            # A request that has moved on has a later deadline, which is in the heap too.
            if request is None or isinstance(request, Closed | Unsettled) or request.deadline != deadline:
                continue
            yield seq

    def has_deadline(self, at: int) -> bool:
        """Whether `due` may return a request at log time `at` (ms)."""
        return bool(self._deadlines) and self._deadlines[0][0] <= at

    def writers_due(self, governance: Governance) -> WritersChanged | None:
        """The event that is due here after a change of writers, if it has not been recorded."""
        since = governance.writers_since
        return WritersChanged(since=since) if since > self.writers_since else None

    def at_under(self, governance: Governance) -> int:
        """The log time (ms) that counts for the next record, if it names this state of governance."""
        corrections = governance.time_corrections
        if not corrections:
            return self.at
        return corrected(self.at, corrections, after=self.governance, up_to=governance.seq)

    def correction_due(self, governance: Governance) -> LogTimeCorrected | None:
        """The event that is due here after a correction of log time, if no record has named it yet."""
        if self.at_under(governance) == self.at:
            return None
        return LogTimeCorrected(since=governance.time_corrections[-1].seq)

    def record(self, seq: int, at: int, events: tuple[Event, ...], *, governance: int) -> None:
        """Consume the record `seq`, decided at log time `at`, which names this governance seq."""
        is_later = at > self.at
        if at < self.at:
            self.memory.set_back(at)
        self.at = at
        self.governance = governance
        self.records += 1
        for event in events:
            if isinstance(event, ChangeSubmitted):
                self._open(seq, event)
            elif isinstance(event, WritersChanged):
                self.writers_since = event.since
            elif isinstance(event, FindingEvent):
                self.findings.evolve(event)
            elif not isinstance(event, _OF_NO_REQUEST):
                self._go_on(event, at, seq)
        if is_later:
            self.memory.forget(at)
            self._forget_closed(at)

    def _open(self, seq: int, event: ChangeSubmitted) -> None:
        self.requests[seq] = open_request(event, seq)
        self._open_by_resource[event.resource] = seq
        self._open_by_requester[event.requester] = self._open_by_requester.get(event.requester, 0) + 1
        self._note_deadline(event.deadline, seq)

    def _go_on(self, event: RequestEvent, at: int, by: int) -> None:
        position = parse_request_id(event.request)
        if position is None:
            msg = f"{type(event).__name__} on {event.request[:40]!r}, which is not a request"
            raise ImpossibleEventError(msg)
        seq = position[1]
        before = self.requests.get(seq)
        if before is None or isinstance(before, Closed):
            msg = f"{type(event).__name__} on request {event.request}, which is not open"
            raise ImpossibleEventError(msg)
        after = evolve(before, event, at, by)
        self.requests[seq] = after
        if not isinstance(event, LeaseRenewed):
            # A renewal is no news to people: a decision on what they saw before it still counts.
            self._last[seq] = by
        if isinstance(event, RequestCompleted):
            made = None if event.version is UNSET else event.version
            self.versions.changed(before.submission.resource, made)
        if isinstance(after, Closed):
            del self._open_by_resource[after.resource]
            self._count_down(before.submission.requester)
            self._closed_in_order.add(Ended(seq, at + CLOSED_MEMORY_MS))
        elif not isinstance(after, Unsettled) and (
            isinstance(before, Unsettled) or after.deadline != before.deadline
        ):
            self._note_deadline(after.deadline, seq)

    def _note_deadline(self, deadline: int, seq: int) -> None:
        heapq.heappush(self._deadlines, (deadline, seq))
        # Approving and revoking in turn moves a deadline each time, so outdated deadlines are removed.
        if len(self._deadlines) > 2 * len(self._open_by_resource) + PASSED_DEADLINES:
            asked = ((self.requests[each], each) for each in self._open_by_resource.values())
            self._deadlines = [
                (request.deadline, each)
                for request, each in asked
                if not isinstance(request, Closed | Unsettled)
            ]
            heapq.heapify(self._deadlines)

    def _count_down(self, requester: str) -> None:
        left = self._open_by_requester[requester] - 1
        if left:
            self._open_by_requester[requester] = left
        else:
            del self._open_by_requester[requester]

    def _forget_closed(self, at: int) -> None:
        for ended in self._closed_in_order.let_go(at):
            del self.requests[ended.seq]
            self._last.pop(ended.seq, None)

    def open_requests_of(self, requester: str) -> int:
        """How many requests of this principal are open."""
        return self._open_by_requester.get(requester, 0)

    def open_requests(self) -> int:
        """How many requests are open."""
        return len(self._open_by_resource)

    def content(self) -> PartitionContent:
        """What `of` needs to make an equal state. It is shared with this one, so encode it at once."""
        return PartitionContent(
            self.partition,
            self.at,
            self.governance,
            self.records,
            self.writers_since,
            self.memory.content(),
            self.requests,
            self.versions.content(),
            self.findings.content(),
            self._last,
            [list(stretch) for stretch in self._closed_in_order.stretches],
            self._deadlines,
        )

    @classmethod
    def of(cls, content: PartitionContent) -> Self:
        """The state with this content, which it takes over. Raises IndexError, see `CommandMemory.of`."""
        made = cls(content.partition)
        made.at, made.governance, made.records = content.at, content.governance, content.records
        made.writers_since = content.writers_since
        made.memory = CommandMemory.of(content.memory)
        made.requests = content.requests
        made.versions = ObjectVersions.of(content.versions)
        made.findings = ObjectFindings.of(content.findings)
        made._last, made._deadlines = content.last, content.deadlines
        made._closed_in_order = RetentionQueue([deque(each) for each in content.ended] or [deque()])
        for seq, request in content.requests.items():
            if not isinstance(request, Closed):
                of = request.submission
                made._open_by_resource[of.resource] = seq
                made._open_by_requester[of.requester] = made._open_by_requester.get(of.requester, 0) + 1
        return made
