"""/, /requests, /received and /requests/all: the lists of R7."""

from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, get
from litestar.params import QueryParameter

from assent.gateway.application.requests import View, list_of
from assent.gateway.application.visibility import sees_all
from assent.gateway.application.waiting_count import waiting_count
from assent.gateway.caller import Caller
from assent.gateway.components import Gateway
from assent.gateway.console.forms import go
from assent.gateway.console.pages import page
from assent.gateway.console.summaries import Summary, summaries, through_of
from assent.gateway.lag import After
from assent.gateway.problems import not_found
from assent_contracts.events import Status

_LIMIT: Final = 50
Show = Literal["", "open", "ended"]
_STATUSES: Final[dict[Show, list[Status] | None]] = {
    "": None,
    "open": ["needs_approval", "approved"],
    "ended": ["completed", "rejected", "canceled", "expired", "failed"],
}
_Show = Annotated[Show, QueryParameter(name="show")]
_Place = Annotated[str | None, QueryParameter(name="cursor", max_length=200)]


class Section(msgspec.Struct, frozen=True):
    """Lines of a list under one heading; `key` names it in the texts."""

    key: str
    lines: list[Summary]


@get("/", include_in_schema=False)
async def start(caller: Caller, gateway: Gateway) -> Response[None]:
    """What waits for the caller first; else their own requests."""
    return go("/received" if await waiting_count(gateway, caller) else "/requests")


@get("/requests", include_in_schema=False, name="console-requests")
async def my_requests(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    after: After = None,
    show: _Show = "",
    cursor: _Place = None,
) -> Response[str]:
    """R7: one's own, the newest change first."""
    return await _list(request, caller, gateway, "mine", after, show, cursor)


@get("/received", include_in_schema=False)
async def received(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    after: After = None,
    show: _Show = "",
    cursor: _Place = None,
) -> Response[str]:
    """R7, R9: what one decides on, what waits for the caller first; their own among them, not decidable."""
    return await _list(request, caller, gateway, "received", after, show, cursor)


@get("/requests/all", include_in_schema=False)
async def all_requests(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    after: After = None,
    show: _Show = "",
    cursor: _Place = None,
) -> Response[str]:
    """Every request, for those who look after all of it. Raises Problem."""
    if not sees_all(gateway.log.governance, caller.principal):
        raise not_found("list of all requests")
    return await _list(request, caller, gateway, "all", after, show, cursor)


async def _list(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    view: View,
    after: str | None,
    show: Show,
    cursor: str | None,
) -> Response[str]:
    await gateway.lag.reach(after)
    found = await list_of(gateway, caller, view, statuses=_STATUSES[show], cursor=cursor, limit=_LIMIT)
    lines = summaries(found.requests, gateway.log.governance, caller.principal, through_of(gateway, caller))
    return await page(
        request,
        gateway,
        caller,
        "requests.html",
        view=view,
        show=show,
        sections=_sections(view, lines),
        next=found.next,
        is_first=cursor is None,
    )


def _sections(view: View, lines: list[Summary]) -> list[Section]:
    by_key: dict[str, list[Summary]] = {}
    for line in lines:
        by_key.setdefault(_section_of(view, line), []).append(line)
    order = ("yours", "complete", "pending", "moving", "ended")
    return [Section(key, by_key[key]) for key in order if key in by_key]


def _section_of(view: View, line: Summary) -> str:
    if line.row.status not in ("needs_approval", "approved"):
        return "ended"
    if view != "mine" and "approve" in line.can:
        return "yours"
    if "complete" in line.can:
        return "complete"
    # R22: what was approved and has lost its quorum needs approval again, whoever says so first.
    is_short = line.row.progress is None and line.given < line.asked
    return "pending" if line.row.status == "needs_approval" or is_short else "moving"


LISTS = (start, my_requests, received, all_requests)
