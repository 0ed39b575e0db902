"""What was applied to each object, as the accepted ledger has it, and what is being applied now. Pure."""

from collections.abc import Collection
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from assent.applier.targets.content import DELETE, content_of
from assent.reconcile.content_hashes import ContentHashes, hashes_of
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.client.handler import FinalError
from assent_contracts.codec import decode_command
from assent_contracts.commands import SubmitChange
from assent_contracts.events import (
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    Event,
    OfNoRequest,
    OutcomeUnknown,
    RequestCompleted,
    RequestEnd,
    RequestEvent,
    RequestFailed,
)
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

RequestState = Literal["submitted", "released", "pending", "applied", "failed"]
"""`pending`: an applier has claimed it, and its outcome is not known."""


class AppliedRequest(msgspec.Struct, gc=False):
    """A request that may have been applied."""

    id: str
    resource: str
    deletes: bool
    digest: str
    """SHA-256 of the payload, hex."""
    submission: str
    """SHA-256 of the submission, hex."""
    content: ContentHashes | None
    """What it gives the object; None if it deletes it, or if its payload is no content of its type."""
    state: RequestState = "submitted"
    version: str | None = None
    """R26: the version that its applier reported."""
    ended_seq: int = -1
    """The seq of the record with its outcome."""


class AppliedRequests:
    """The requests of all partitions. Its one owner advances it with `take`."""

    def __init__(self, file_types: Collection[str], types: Collection[str] | None = None) -> None:
        """`file_types`: the types whose payloads are files. `types`: only these types; None for all."""
        self._file_types: Final = file_types
        self._types: Final = types
        self._requests: dict[str, AppliedRequest] = {}
        self._newest: dict[str, str] = {}
        """The request that was applied last to each object."""
        self._failed: dict[str, list[str]] = {}
        self._pending: dict[str, str] = {}
        """The request that is being applied to an object, or whose outcome is not known."""
        self._touched: set[str] = set()

    def take(self, record: LedgerRecord, events: tuple[Event, ...]) -> None:
        """Consume the next accepted record of a partition, with its events."""
        for event in events:
            if isinstance(event, ChangeSubmitted):
                self._submit(record, event)
            elif not isinstance(event, OfNoRequest):
                self._move(record, event)

    def request(self, request: str) -> AppliedRequest | None:
        """The request with this id; None if it was never released, or has another type."""
        found = self._requests.get(request)
        return None if found is None or found.state == "submitted" else found

    def newest(self, resource: str) -> AppliedRequest | None:
        """The request that was applied last to this object."""
        request = self._newest.get(resource)
        return None if request is None else self._requests[request]

    def failed(self, resource: str) -> list[AppliedRequest]:
        """The requests for this object that have failed, the oldest first."""
        return [self._requests[each] for each in self._failed.get(resource, ())]

    def objects(self) -> Collection[str]:
        """The objects to which something was applied."""
        return self._newest.keys()

    def is_pending(self, resource: str) -> bool:
        """Whether a change to this object is being applied, or has an outcome that is not known."""
        return resource in self._pending

    def mark(self) -> None:
        """Begin to note the objects that the ledger touches, while a target is read."""
        self._touched = set(self._pending)

    def is_touched(self, resource: str) -> bool:
        """Whether a change to this object was in progress at any time since the mark."""
        return resource in self._touched

    def _submit(self, record: LedgerRecord, event: ChangeSubmitted) -> None:
        kind = resource_type(event.resource)
        if event.members is not UNSET:
            return  # R29: a set is no object of a target, its members are
        if kind in BUILT_IN_TYPES or (self._types is not None and kind not in self._types):
            return
        self._requests[event.request] = AppliedRequest(
            id=event.request,
            resource=event.resource,
            deletes=event.operation == DELETE,
            digest=event.digest,
            submission=event.submission,
            content=_content(record, event, self._file_types),
        )

    def _move(self, record: LedgerRecord, event: RequestEvent) -> None:
        request = self._requests.get(event.request)
        if request is None:
            return
        self._touched.add(request.resource)
        match event:
            case ChangeReleased():
                request.state = "released"
                self._pending.pop(request.resource, None)
            case ChangeClaimed() | OutcomeUnknown():
                request.state = "pending"
                self._pending[request.resource] = request.id
            case RequestCompleted():
                request.version = None if event.version is UNSET else event.version
                self._newest[request.resource] = request.id
                self._end(request, record, "applied")
            case RequestFailed():
                self._failed.setdefault(request.resource, []).append(request.id)
                self._end(request, record, "failed")
            case _:
                if isinstance(event, RequestEnd):
                    del self._requests[event.request]
                    self._pending.pop(request.resource, None)

    def _end(self, request: AppliedRequest, record: LedgerRecord, state: RequestState) -> None:
        request.state, request.ended_seq = state, record.seq
        self._pending.pop(request.resource, None)


def _content(
    record: LedgerRecord, event: ChangeSubmitted, file_types: Collection[str]
) -> ContentHashes | None:
    recorded = None if record.command is UNSET else decode_recorded_command(record)
    command = decode_command(bytes(recorded.value)) if isinstance(recorded, RecordedCommand) else None
    if not isinstance(command, SubmitChange):
        return None
    change = Change(
        request=event.request,
        resource=event.resource,
        operation=event.operation,
        requester=event.requester,
        justification="",
        digest=event.digest,
        submission=event.submission,
        released=record.seq,
        at=record.at,
        payload=command.payload,
    )
    try:
        content = content_of(change, file_types)
    except FinalError:
        return None  # an applier of files cannot have made it
    return None if content is None else hashes_of(content)
