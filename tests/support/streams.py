"""Clients of the event stream, as tests need them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec

_WITHIN_S = 20.0


class Event(msgspec.Struct, frozen=True):
    """One event as received."""

    id: str | None
    event: str | None
    data: dict[str, object]


class Stream:
    """An open event stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments = 0
        self.retry: list[int] = []
        self._lines = response.aiter_lines()

    async def next(self, name: str = "changed", *, within_s: float = _WITHIN_S) -> Event:
        """The next event of this name; others are skipped."""
        async with asyncio.timeout(within_s):
            while (event := await self._event()) is not None:
                if event.event == name:
                    return event
        raise AssertionError(f"the stream ended before {name!r}")

    async def about(self, request: str, status: str | None = None) -> Event:
        """The next event about a request (with a status)."""
        while True:
            event = await self.next()
            if event.data["request"] == request and status in (None, event.data["status"]):
                return event

    async def rest(self, *, within_s: float = _WITHIN_S) -> list[Event]:
        """Everything until the server ends the stream."""
        events: list[Event] = []
        async with asyncio.timeout(within_s):
            while (event := await self._event()) is not None:
                events.append(event)
        return events

    async def _event(self) -> Event | None:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
                if name == "retry":
                    self.retry.append(int(value))
            elif "event" in fields:
                data = msgspec.json.decode(fields["data"])
                return Event(id=fields.get("id"), event=fields["event"], data=data)
        return None


@asynccontextmanager
async def streaming(
    client: httpx.AsyncClient, *, last: str | None = None, since: int | None = None
) -> AsyncIterator[Stream]:
    """The events that this client may receive, from the first byte on."""
    headers = {} if last is None else {"last-event-id": last}
    params = {} if since is None else {"since": since}
    async with client.stream("GET", "/api/v1/events", headers=headers, params=params) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response)
