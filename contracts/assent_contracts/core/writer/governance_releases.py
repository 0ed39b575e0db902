"""The released changes to governance on the request ledger, which its writer has to carry out. Pure.

They are few among many records, so a record is decoded only if its bytes show that it may concern one.
"""

import re

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.events import ChangeReleased, ChangeSubmitted, RequestEnd, RequestEvent
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
)
from assent_contracts.resources import resource_type

_BUILT_IN = tuple(f'"resource":"{name}/'.encode() for name in sorted(BUILT_IN_TYPES))
_REQUEST = re.compile(rb'"request":"([0-9]+-[0-9]+)"')
"""All events of a record concern one request. No string contains an unescaped quote."""


class BuiltInRelease(msgspec.Struct, frozen=True, gc=False):
    """A released change to governance: its request, its release, and what was submitted."""

    request: str
    seq: int
    """The seq of the release, in the request's partition."""
    digest: str
    submission: RecordedCommand
    as_of: int
    """The governance seq under which the submission was decided."""


class GovernanceReleases:
    """The open requests of built-in types in all partitions, and those of them that are released."""

    def __init__(self) -> None:
        self._submissions: dict[bytes, tuple[RecordedCommand, int]] = {}
        self._released: dict[bytes, BuiltInRelease] = {}

    def waiting(self) -> tuple[BuiltInRelease, ...]:
        """The released changes whose requests have not ended on the request ledger."""
        return tuple(self._released.values())

    def take(self, accepted: Accepted) -> bool:
        """Consume an accepted record of the request ledger. Returns whether it releases such a change."""
        record = accepted.record
        if not isinstance(record.events, msgspec.Raw) or not self._may_concern(bytes(record.events)):
            return False
        found = False
        for event in decode_events(record):
            if isinstance(event, RequestEvent):
                found = self._advance(event, record) or found
        return found

    def _may_concern(self, events: bytes) -> bool:
        if any(mark in events for mark in _BUILT_IN):
            return True
        if not self._submissions:
            return False
        about = _REQUEST.search(events)
        return about is not None and about[1] in self._submissions

    def _advance(self, event: RequestEvent, record: LedgerRecord) -> bool:
        """Track a request from its submission to its release, and forget it when it ends."""
        request = event.request.encode()
        if isinstance(event, ChangeSubmitted):
            self._submit(event, record)
        elif isinstance(event, RequestEnd):
            self._submissions.pop(request, None)
            self._released.pop(request, None)
        elif isinstance(event, ChangeReleased) and request in self._submissions:
            self._released[request] = BuiltInRelease(
                event.request, record.seq, event.digest, *self._submissions[request]
            )
            return True
        return False

    def _submit(self, event: ChangeSubmitted, record: LedgerRecord) -> None:
        command = decode_recorded_command(record)
        # A submission without a governance seq was decided under no governance: it is not carried out.
        if (
            isinstance(command, RecordedCommand)
            and isinstance(record.governance, int)
            and resource_type(event.resource) in BUILT_IN_TYPES
        ):
            # A copy, so that the whole record need not stay in memory.
            kept = msgspec.structs.replace(command, value=command.value.copy())
            self._submissions[event.request.encode()] = (kept, record.governance)
