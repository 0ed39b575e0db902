"""The content of live events, and the recent ones that are remembered for reconnecting clients."""

from collections import deque
from typing import Final

import msgspec

from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.ledger import LedgerRecord
from assent_contracts.resources import parse_request_id

REMEMBERED: Final = 1_000
"""Events, for clients that reconnect."""
_SLACK_MS: Final = 2_000
"""Gateways read partitions in different orders, and their clocks differ. Better twice than never."""


class RequestChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a request as of a ledger record."""

    request: str
    status: str
    resource: str
    position: str
    """`<partition>-<seq>` of the record. Send it as Assent-After to read its effects."""


class LiveEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One live event: its bytes, and its request; None for governance, which everybody is notified of."""

    id: str
    chunk: bytes
    told_at: int
    about: RequestView | None


def request_changed(row: RequestView, position: str) -> LiveEvent:
    """The event of a request's change."""
    data = RequestChanged(request=row.id, status=row.status, resource=row.resource, position=position)
    chunk = b"id: %b\nevent: changed\ndata: %b\n\n" % (position.encode(), msgspec.json.encode(data))
    return LiveEvent(id=position, chunk=chunk, told_at=now_ms(), about=row)


def governance_changed(seq: int) -> LiveEvent:
    """The event of a change to policies, groups, roles, principals or settings."""
    position = f"governance-{seq}"
    chunk = b'id: %b\nevent: governance\ndata: {"seq":%d}\n\n' % (position.encode(), seq)
    return LiveEvent(id=position, chunk=chunk, told_at=now_ms(), about=None)


class RecentEvents:
    """The last events. Earlier ones, and those that occurred while nobody listened, are forgotten."""

    def __init__(self) -> None:
        self._events: deque[LiveEvent] = deque()
        self._forgotten_at = -1

    def forget(self) -> None:
        """Note that something happened just now that nobody was notified of."""
        self._forgotten_at = now_ms()

    def keep(self, event: LiveEvent) -> None:
        """Remember an event that is being sent."""
        self._events.append(event)
        if len(self._events) > REMEMBERED:
            self._forgotten_at = max(self._forgotten_at, self._events.popleft().told_at)

    def since(self, last: str | None, since_ms: int | None) -> list[LiveEvent] | None:
        """The events to send again: after the event `last`, or since a time. None if some are forgotten."""
        if last is not None:
            since_ms = next((each.told_at for each in self._events if each.id == last), None)
            if since_ms is None:
                return None
        if since_ms is None:
            return []
        if since_ms <= self._forgotten_at:
            return None
        return [each for each in self._events if each.told_at >= since_ms - _SLACK_MS and each.id != last]


class _Names(msgspec.Struct, frozen=True, gc=False):
    request: str | None = None


class _Command(msgspec.Struct, frozen=True, gc=False):
    value: _Names = _Names()


_of_events = msgspec.json.Decoder(list[_Names]).decode
_of_command = msgspec.json.Decoder(_Command).decode


def requests_of(record: LedgerRecord) -> set[tuple[int, int]]:
    """The requests, as (partition, seq), that a record is about, even if it is a refused action (R16)."""
    if record.events is not msgspec.UNSET:
        names = [each.request for each in _of_events(record.events)]
    elif record.command is not msgspec.UNSET:
        try:
            names = [_of_command(record.command).value.request]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # A refused command can contain anything that its sender wrote.
            return set()
    else:
        return set()
    return {place for name in names if name is not None and (place := parse_request_id(name)) is not None}
