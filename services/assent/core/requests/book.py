"""One partition's requests, as the ledger up to `seq` adds up: what decisions look things up in."""

import heapq
from collections import deque
from collections.abc import Iterator
from sys import intern

import msgspec

from assent.core.requests.evolve import ImpossibleEventError, evolve, open_request
from assent.core.requests.states import Closed, Request, Unsettled
from assent_contracts.events import ChangeSubmitted, CommandRepeated, Event, RequestEvent
from assent_contracts.limits import COMMAND_MAX_AGE_MS, COMMAND_MEMORY_MS
from assent_contracts.resources import parse_request_id

_NOTHING: dict[str, "Remembered"] = {}
CLOSED_MEMORY_MS = COMMAND_MEMORY_MS
"""How long an ended request is known, so that a late command hears how it ended."""


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """A principal's command that was decided, at `seq`, for the bytes with this SHA-256."""

    principal: str
    command_id: str
    seq: int
    value_sha256: bytes
    until: int
    """Log time (ms) up to which a copy of the command could still be decided."""


class Book:
    """The state of one partition. It has one owner, who moves it forward with `record`."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.at = 0
        """Log time of the last record, ms."""
        self.records = 0
        """How many records it has taken in."""
        self.requests: dict[int, Request] = {}
        self._open_by_resource: dict[str, int] = {}
        self._commands: dict[str, dict[str, Remembered]] = {}
        """By principal: nobody takes an id from somebody else."""
        self._commands_in_order: deque[Remembered] = deque()
        self._commands_ahead: list[tuple[int, int, Remembered]] = []
        self._closed_in_order: deque[int] = deque()
        self._deadlines: list[tuple[int, int]] = []

    def open_request(self, resource: str) -> int | None:
        """R10: the seq of the open request for this object, if there is one."""
        return self._open_by_resource.get(resource)

    def find(self, request_id: str, resource: str) -> Request | None:
        """The request with this id, if it is of this partition and for this object."""
        position = parse_request_id(request_id)
        if position is None or position[0] != self.partition:
            return None
        request = self.requests.get(position[1])
        if request is None:
            return None
        of = request.resource if isinstance(request, Closed) else request.submission.resource
        return request if of == resource else None

    def recall(self, principal: str, command_id: str) -> Remembered | None:
        """The decision that took this id of the principal's, as long as it is remembered."""
        return self._commands.get(principal, _NOTHING).get(command_id)

    def remember(
        self, principal: str, command_id: str, *, dated: int, seq: int, at: int, value_sha256: bytes
    ) -> None:
        """Keep the id of a command that passed the signature check; `dated` is the command's own time, ms."""
        usual = at + COMMAND_MEMORY_MS
        until = max(usual, dated + COMMAND_MAX_AGE_MS)
        remembered = Remembered(intern(principal), command_id, seq, value_sha256, until)
        self._commands.setdefault(principal, {})[command_id] = remembered
        if until == usual:
            self._commands_in_order.append(remembered)
        else:
            # Dated so far ahead that it was refused: its time will come, but it is not to be decided again.
            heapq.heappush(self._commands_ahead, (until, seq, remembered))

    def due(self, at: int) -> Iterator[int]:
        """The seqs of the requests whose deadline `at` has reached, the earliest first.

        Each must be recorded as expired before the next one is asked for.
        """
        while self._deadlines and self._deadlines[0][0] <= at:
            deadline, seq = heapq.heappop(self._deadlines)
            request = self.requests.get(seq)
            # A request that went on since has a later deadline, which stands in the heap too.
            if request is None or isinstance(request, Closed | Unsettled) or request.deadline != deadline:
                continue
            yield seq

    def record(self, seq: int, at: int, events: tuple[Event, ...]) -> None:
        """Take in the record `seq`, decided at log time `at`."""
        is_later = at > self.at
        self.at = at
        self.records += 1
        for event in events:
            if isinstance(event, ChangeSubmitted):
                self._open(seq, event)
            elif not isinstance(event, CommandRepeated):
                self._go_on(event, at)
        if is_later:
            self._forget(at)

    def _open(self, seq: int, event: ChangeSubmitted) -> None:
        self.requests[seq] = open_request(event, seq)
        self._open_by_resource[event.resource] = seq
        heapq.heappush(self._deadlines, (event.deadline, seq))

    def _go_on(self, event: RequestEvent, at: int) -> None:
        position = parse_request_id(event.request)
        assert position is not None
        seq = position[1]
        before = self.requests.get(seq)
        if before is None or isinstance(before, Closed):
            msg = f"{type(event).__name__} on request {event.request}, which is not open"
            raise ImpossibleEventError(msg)
        after = evolve(before, event, at)
        self.requests[seq] = after
        if isinstance(after, Closed):
            del self._open_by_resource[after.resource]
            self._closed_in_order.append(seq)
        elif not isinstance(after, Unsettled) and (
            isinstance(before, Unsettled) or after.deadline != before.deadline
        ):
            heapq.heappush(self._deadlines, (after.deadline, seq))

    def _forget(self, at: int) -> None:
        order, ahead = self._commands_in_order, self._commands_ahead
        while order and order[0].until < at:
            self._drop(order.popleft())
        while ahead and ahead[0][0] < at:
            self._drop(heapq.heappop(ahead)[2])
        closed = self._closed_in_order
        while closed:
            request = self.requests[closed[0]]
            assert isinstance(request, Closed)
            if request.at + CLOSED_MEMORY_MS >= at:
                break
            del self.requests[closed.popleft()]

    def _drop(self, remembered: Remembered) -> None:
        of_principal = self._commands[remembered.principal]
        del of_principal[remembered.command_id]
        if not of_principal:
            del self._commands[remembered.principal]

    def open_requests(self) -> int:
        """How many requests hold an object."""
        return len(self._open_by_resource)
