"""R29: what is due between a set and its members, from the accepted ledgers of all partitions. Pure.

A coordinator reads each partition in order, the partitions in any order among each other. Nothing is kept
elsewhere. What is due stays due until the ledger shows that it was done, so it can be sent again at any time.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypedDict, assert_never

import msgspec
from msgspec import UNSET

from assent_contracts.codec import decode_command
from assent_contracts.commands import Cancel, Command, Complete, ConfirmSet, ReportOutcome, SubmitChange
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    Event,
    MembersReserved,
    OfNoRequest,
    RequestCompleted,
    RequestEnd,
    RequestEvent,
    RequestExpired,
    RequestFailed,
    Status,
)
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command
from assent_contracts.limits import OUTCOME_MESSAGE_MAX_CHARS, SET_CONFIRM_MS
from assent_contracts.resources import parse_request_id
from assent_contracts.set_members import hash_of_member, hashes_in_set

_NOTHING: Final = (-1, 0)
_NAMED_MAX: Final = 10
"""How many members a report names that did not complete. The set's page lists all."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One command that is due."""

    step: Literal["confirm", "release", "free", "end"]
    request: str
    resource: str
    submission: str = ""
    """Of the member that is released."""
    message: str = ""
    """What became of a set that has not completed as a whole; empty if it has."""


class _Common(TypedDict):
    id: str
    principal: str
    at: int
    resource: str
    request: str


def due_command(due: Due, *, command_id: str, principal: str, at: int) -> Command:
    """The command of a gateway for what is due. `at`: its date, ms."""
    common = _Common(id=command_id, principal=principal, at=at, resource=due.resource, request=due.request)
    match due.step:
        case "confirm":
            return ConfirmSet(**common)
        case "release":
            return Complete(**common, submission=due.submission)
        case "free":
            return Cancel(**common)
        case "end":
            outcome = "failed" if due.message else "succeeded"
            return ReportOutcome(**common, outcome=outcome, message=due.message)
        case _:
            assert_never(due.step)


class _Member(msgspec.Struct):
    request: str
    resource: str
    submission: str
    hash: bytes
    at: int
    """The log time of its submission, ms."""
    is_released: bool = False


class _Set(msgspec.Struct):
    resource: str = ""
    """Empty until the set's submission was read, which is in another partition than its members."""
    at: int = 0
    """The log time of that submission, ms."""
    hashes: frozenset[bytes] = frozenset()
    is_whole: bool = False
    is_released: bool = False
    is_ended: bool = False
    waiting: dict[str, _Member] = msgspec.field(default_factory=dict[str, _Member])
    """The members that are open, by their requests."""
    used: set[bytes] = msgspec.field(default_factory=set[bytes])
    """The members that were released. Each is released once, also if it is submitted again (R1)."""
    ended: dict[bytes, tuple[str, Status]] = msgspec.field(default_factory=dict[bytes, tuple[str, Status]])
    """How members ended, each with its object."""


class SetCoordination:
    """The sets of one log that are not over. Its one owner passes it every accepted record."""

    def __init__(self) -> None:
        self._sets: dict[str, _Set] = {}
        self._members: dict[str, str] = {}
        """The set of each open member."""
        self._read: dict[int, tuple[int, int]] = {}
        """(seq, log time in ms) of the last record of each partition."""
        self._changed: set[str] = set()

    def take(self, partition: int, record: LedgerRecord, events: tuple[Event, ...]) -> None:
        """Consume the next accepted record of a partition."""
        self._read[partition] = record.seq, record.at
        for event in events:
            if isinstance(event, ChangeSubmitted):
                if event.members is not UNSET or event.part_of is not UNSET:
                    self._submitted(event, record)
            elif not isinstance(event, OfNoRequest):
                self._went_on(event)

    def due(self) -> list[Due]:
        """What is due now. What was due before is returned again, until the ledger shows that it was done.

        Freeing comes last: members that no set lists may be many, and delay no set that is in order.
        """
        due: list[Due] = []
        for name in sorted(self._changed):
            found = self._sets[name]
            steps = list(self._due_of(name, found))
            due += steps
            unread = self._is_unread(name, found)
            if not steps and not (unread and found.waiting):
                self._changed.discard(name)
                if self._is_over(found) and not unread:
                    del self._sets[name]
        return sorted(due, key=lambda each: each.step == "free")

    def __len__(self) -> int:
        """How many sets are not over."""
        return len(self._sets)

    def _submitted(self, event: ChangeSubmitted, record: LedgerRecord) -> None:
        command = _submission(record)
        if command is None:
            return  # a writer has sealed something else: nothing is done for it
        if event.members is not UNSET:
            found = self._set(event.request)
            found.resource, found.at, found.hashes = event.resource, record.at, hashes_in_set(command)
        elif event.part_of is not UNSET:
            member = _Member(
                event.request, event.resource, event.submission, hash_of_member(command), record.at
            )
            self._set(event.part_of).waiting[event.request] = member
            self._members[event.request] = event.part_of

    def _set(self, request: str) -> _Set:
        self._changed.add(request)
        return self._sets.setdefault(request, _Set())

    def _went_on(self, event: RequestEvent) -> None:
        name = self._members.get(event.request)
        if name is not None:
            self._member_went_on(self._set(name), event)
        elif event.request in self._sets:
            self._set_went_on(self._set(event.request), event)

    def _member_went_on(self, found: _Set, event: RequestEvent) -> None:
        if isinstance(event, ChangeReleased):
            member = found.waiting[event.request]
            member.is_released = True
            found.used.add(member.hash)
        elif isinstance(event, RequestEnd):
            member = found.waiting.pop(event.request)
            del self._members[event.request]
            if member.is_released or member.hash not in found.used:
                found.ended[member.hash] = (member.resource, _status(event))

    def _set_went_on(self, found: _Set, event: RequestEvent) -> None:
        if isinstance(event, MembersReserved):
            found.is_whole = True
        elif isinstance(event, ChangeReleased):
            found.is_released = True
        elif isinstance(event, RequestEnd):
            found.is_ended = True

    def _due_of(self, name: str, found: _Set) -> Iterator[Due]:
        is_unread = self._is_unread(name, found)
        for member in found.waiting.values():
            if member.is_released or (is_unread and not self._is_past(name, member)):
                continue
            listed = self._is_listed(found, member) and member.hash not in found.used
            if found.is_released and listed:
                yield Due(
                    step="release",
                    request=member.request,
                    resource=member.resource,
                    submission=member.submission,
                )
            elif found.is_ended or not listed:
                yield Due(step="free", request=member.request, resource=member.resource)
        if found.is_ended or not found.resource:
            return
        if found.is_released:
            if found.ended.keys() >= found.hashes:
                yield Due(step="end", request=name, resource=found.resource, message=_partial(found))
        elif not found.is_whole and self._held(found) >= found.hashes:
            yield Due(step="confirm", request=name, resource=found.resource)

    @staticmethod
    def _is_listed(found: _Set, member: _Member) -> bool:
        # A set that comes so late was not there when the member was sent, and the member may be freed by now.
        return member.hash in found.hashes and found.at <= member.at + SET_CONFIRM_MS

    def _held(self, found: _Set) -> set[bytes]:
        return {member.hash for member in found.waiting.values() if self._is_listed(found, member)}

    def _is_unread(self, name: str, found: _Set) -> bool:
        """Whether the set's partition was not read far enough to know the set."""
        place = parse_request_id(name)
        return not found.resource and place is not None and self._read.get(place[0], _NOTHING)[0] < place[1]

    def _is_past(self, name: str, member: _Member) -> bool:
        """Whether a set that is not there yet comes too late for this member, whose lock is held for nothing.

        Log time does not go back, so every coordinator agrees, whatever it has read.
        """
        place = parse_request_id(name)
        return place is not None and self._read.get(place[0], _NOTHING)[1] > member.at + SET_CONFIRM_MS

    @staticmethod
    def _is_over(found: _Set) -> bool:
        return not found.waiting and (found.is_ended or not found.resource)


def _submission(record: LedgerRecord) -> SubmitChange | None:
    """The submission that a record embeds; None if a writer has sealed something else."""
    try:
        recorded = decode_recorded_command(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    command = decode_command(bytes(recorded.value)) if isinstance(recorded, RecordedCommand) else None
    return command if isinstance(command, SubmitChange) else None


def _status(event: RequestEnd) -> Status:
    if isinstance(event, RequestCompleted):
        return "completed"
    if isinstance(event, RequestFailed):
        return "failed"
    return "expired" if isinstance(event, RequestExpired) else "canceled"


def _partial(found: _Set) -> str:
    """What became of the members, object by object; empty if all have completed."""
    ends = [found.ended[each] for each in found.hashes]
    others = sorted((resource, status) for resource, status in ends if status != "completed")
    if not others:
        return ""
    done = len(ends) - len(others)
    named = ", ".join(f"{resource} {status}" for resource, status in others[:_NAMED_MAX])
    more = f" and {len(others) - _NAMED_MAX:,} more" if len(others) > _NAMED_MAX else ""
    return f"{done:,} of {len(ends):,} objects completed. Not: {named}{more}."[:OUTCOME_MESSAGE_MAX_CHARS]
