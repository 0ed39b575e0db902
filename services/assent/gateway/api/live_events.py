"""GET /api/v1/events: changes as they happen (server-sent events)."""

import asyncio
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send

from assent.gateway.caller import Caller, refuse_cross_site
from assent.gateway.event_stream import StreamListener
from assent.gateway.gateway_components import Gateway
from assent_contracts.client.task_end import end

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # For proxies that would buffer the events.
    (b"x-accel-buffering", b"no"),
]
_HELLO: Final = b"retry: 2000\n\n"
_NOT_TAKEN_S: Final = 30.0
"""A client that accepts nothing for so long is disconnected."""
_EVENTS: Final = """\
- `changed`: a request has changed, and the lists show it: `{"request", "status", "resource", "position"}`.
  Only for requests that the caller may see. The event's id is the ledger record's `<partition>-<seq>`.
- `governance`: policies, groups, roles, principals or settings have changed: `{"seq"}`.
- `lost`: some events were lost: reload what you show.

A comment is sent every 15 s. The stream ends with the session or token, and also
from time to time: reconnect then."""


@get(
    "/events",
    operation_id="followEvents",
    summary="Follow events",
    description=f"Server-sent events:\n\n{_EVENTS}",
    media_type="text/event-stream",
    responses={
        200: ResponseSpec(str, description="An endless stream of events.", media_type="text/event-stream")
    },
)
async def follow(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID", max_length=64, description="Events after this one are sent again."
        ),
    ] = None,
    since: Annotated[
        int | None,
        QueryParameter(ge=0, le=1 << 53, description="Events after this time (ms) are sent again."),
    ] = None,
) -> ASGIApp:
    """Follow changes. Raises Problem: too-many-streams, cross-site."""
    session = None
    if caller.how == "session":
        # A read, but a lasting one: other sites must not use up the streams that an account may have.
        refuse_cross_site(request, gateway)
        session = request.cookies.get(gateway.sessions.cookie)

    async def stream(_scope: Scope, receive: Receive, send: Send) -> None:
        listener = gateway.live.join(
            caller.id, session, last=last_event_id, since=since, until=caller.ends_at
        )
        # Only receiving shows that a client has left.
        leaving = asyncio.create_task(_left(receive, listener))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _body(send, _HELLO)
            while (chunk := await listener.next()) is not None:
                await _body(send, chunk)
            await _body(send, b"", more=False)
        except TimeoutError:
            # The unfinished answer closes the connection.
            return
        finally:
            gateway.live.leave(listener)
            await end(leaving)

    return stream


async def _body(send: Send, chunk: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(_NOT_TAKEN_S):
        await send({"type": "http.response.body", "body": chunk, "more_body": more})


async def _left(receive: Receive, listener: StreamListener) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    listener.end()
