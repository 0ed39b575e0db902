"""What happened to one request, event by event, with the status that follows. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.core.requests.evolve import evolve, open_request
from assent_contracts.core.requests.states import Closed, ReleaseProgress, Request, status_of
from assent_contracts.events import (
    ChangeSubmitted,
    OfNoRequest,
    OutcomeUnknown,
    RequestEvent,
    RequestExpired,
    RequestFailed,
    Status,
)
from assent_contracts.ledger import RecordedCommand, decode_events, decode_recorded_command

EXPIRED: Final = (
    "It made no progress within its time, and nothing was applied. Submit it again if it is still needed."
)
"""R14, R27: nobody has written a message about it."""
LEASE_ENDED: Final = "Its applier has not reported an outcome within its time. People have to settle it."


class RequestUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a request, and its status after it."""

    request: str
    event: RequestEvent
    seq: int
    """The ledger seq of the record, in the request's partition."""
    at: int
    """Log time, ms."""
    status: Status
    progress: ReleaseProgress | None
    """Of an approved change: `released`, `applying`, or `unknown` if people must settle its outcome."""
    message: str = ""
    """The words of who caused it: an approver's note, an applier's message, a reason. Where time has caused
    it, what happened."""

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to the request."""
        return self.status not in ("needs_approval", "approved")

    @property
    def applied(self) -> bool:
        """Whether the change was made."""
        return self.status == "completed"


class _Words(msgspec.Struct):
    message: str = ""
    note: str = ""
    reason: str = ""


_decode_words = msgspec.json.Decoder(_Words).decode


class RequestFold:
    """One request, folded from the accepted records of its partition."""

    def __init__(self, request: str) -> None:
        self.request = request
        self._state: Request | None = None

    def take(self, accepted: Accepted) -> Iterator[RequestUpdate]:
        """Consume the next accepted record. Raises ImpossibleEventError, msgspec.MsgspecError."""
        record = accepted.record
        if not isinstance(record.events, msgspec.Raw) or self.request.encode() not in bytes(record.events):
            return
        words = _words(accepted)
        for event in decode_events(record):
            if isinstance(event, OfNoRequest) or event.request != self.request:
                continue
            if isinstance(event, ChangeSubmitted):
                self._state = open_request(event, record.seq)
            elif self._state is None or isinstance(self._state, Closed):
                continue
            else:
                self._state = evolve(self._state, event, record.at, record.seq)
            status, progress = status_of(self._state)
            yield RequestUpdate(
                request=self.request,
                event=event,
                seq=record.seq,
                at=record.at,
                status=status,
                progress=progress,
                message=_said(event, words),
            )


def _words(accepted: Accepted) -> _Words:
    recorded = decode_recorded_command(accepted.record)
    try:
        return _decode_words(recorded.value) if isinstance(recorded, RecordedCommand) else _Words()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Words()


def _said(event: RequestEvent, words: _Words) -> str:
    if isinstance(event, RequestFailed) and isinstance(event.message, str):
        return event.message
    if isinstance(event, RequestExpired):
        return EXPIRED
    if isinstance(event, OutcomeUnknown) and event.cause == "lease-ended":
        return LEASE_ENDED
    return words.message or words.note or words.reason
