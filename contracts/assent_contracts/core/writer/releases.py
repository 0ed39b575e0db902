"""The released changes to governance: what its writer has to carry out, out of the request ledger. Pure.

They are few among many: a record is taken apart only when its bytes say that it may be about one.
"""

import re
from typing import assert_never

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.events import (
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRevoked,
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    OutcomeUnknown,
    RejectionGiven,
    RequestApproved,
    RequestEnd,
    RequestEvent,
    RequestReopened,
)
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
)
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.resources import resource_type

_BUILT_IN = tuple(f'"resource":"{name}/'.encode() for name in sorted(BUILT_IN_TYPES))
_REQUEST = re.compile(rb'"request":"([0-9]+-[0-9]+)"')
"""All events of a record are about one request. An unescaped quote stands in no string."""


class BuiltInRelease(msgspec.Struct, frozen=True, gc=False):
    """A released change to governance: its request, where it was released, and what was submitted."""

    request: str
    seq: int
    """Of the release, in the request's partition."""
    digest: str
    submission: RecordedCommand
    as_of: int
    """The governance seq that the submission was decided under."""


class Releases:
    """The open requests of built-in types in all partitions, and which of them are released."""

    def __init__(self) -> None:
        self._submissions: dict[bytes, tuple[RecordedCommand, int]] = {}
        self._released: dict[bytes, BuiltInRelease] = {}

    def waiting(self) -> tuple[BuiltInRelease, ...]:
        """The released changes whose requests the request ledger has not ended."""
        return tuple(self._released.values())

    def take(self, accepted: Accepted) -> bool:
        """Take in an accepted record of the request ledger; whether it releases a change to governance."""
        record = accepted.record
        if not isinstance(record.events, msgspec.Raw) or not self._may_concern(bytes(record.events)):
            return False
        found = False
        for event in decode_events(record):
            if isinstance(event, RequestEvent):
                found = self._go_on(event, record) or found
        return found

    def _may_concern(self, events: bytes) -> bool:
        if any(mark in events for mark in _BUILT_IN):
            return True
        if not self._submissions:
            return False
        about = _REQUEST.search(events)
        return about is not None and about[1] in self._submissions

    def _go_on(self, event: RequestEvent, record: LedgerRecord) -> bool:
        request = event.request.encode()
        if isinstance(event, RequestEnd):
            self._submissions.pop(request, None)
            self._released.pop(request, None)
            return False
        match event:
            case ChangeSubmitted():
                command = decode_recorded_command(record)
                # A submission that names no governance was decided under none: it is not carried out.
                if (
                    isinstance(command, RecordedCommand)
                    and isinstance(record.governance, int)
                    and resource_type(event.resource) in BUILT_IN_TYPES
                ):
                    # A copy: the record that it is part of need not be kept.
                    value = command.value.copy()
                    kept = msgspec.structs.replace(command, value=value)
                    self._submissions[request] = (kept, record.governance)
            case ChangeReleased():
                if request not in self._submissions:
                    return False
                self._released[request] = BuiltInRelease(
                    event.request, record.seq, event.digest, *self._submissions[request]
                )
                return True
            case (
                ApprovalGiven()
                | ApprovalLapsed()
                | ApprovalRevoked()
                | RejectionGiven()
                | RequestApproved()
                | RequestReopened()
                | ChangeClaimed()
                | OutcomeUnknown()
            ):
                pass  # nothing that governance has to carry out
            case _:
                assert_never(event)
        return False
