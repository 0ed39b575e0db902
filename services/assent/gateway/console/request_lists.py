"""/, /requests, /received and /requests/all: the lists of R7."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from assent.gateway.application.requests import View, list_of
from assent.gateway.application.visibility import sees_all
from assent.gateway.application.waiting_requests import waiting_requests
from assent.gateway.caller import Caller
from assent.gateway.console.forms import go
from assent.gateway.console.pages import page
from assent.gateway.console.request_summaries import RequestSummary, summaries
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import not_found
from assent.gateway.table_lag import AfterHeader
from assent.store.queries import RequestView
from assent_contracts.events import Status

_LIMIT: Final = 50
Show = Literal["", "open", "ended"]
Order = Literal["", "oldest", "newest"]
ListPart = Literal["open", "ended"]
_STATUSES: Final[dict[ListPart, list[Status]]] = {
    "open": ["needs_approval", "approved"],
    "ended": ["completed", "rejected", "canceled", "expired", "failed"],
}


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a list has to show. The fields are the parameters of its address."""

    show: Show = ""
    find: str = ""
    """A text to search for."""
    order: Order = ""
    emergency: Literal["", "yes"] = ""
    """R24: only those that state that they cannot wait."""
    part: ListPart = "open"
    """Where the page begins. In a list of everything, open requests come before ended ones."""
    cursor: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether this is the first page."""
        return self.cursor is None and (self.part == "open" or self.show == "ended")

    def query(self, **other: str | None) -> str:
        """The query of the same list with some fields changed, including the `?`; empty if there is none."""
        fields = {
            "show": self.show,
            "find": self.find,
            "order": self.order,
            "emergency": self.emergency,
            **other,
        }
        given = urlencode([(name, value) for name, value in fields.items() if value])
        return f"?{given}" if given else ""


def list_query_of(
    show: Annotated[Show, QueryParameter(name="show")] = "",
    find: Annotated[str, QueryParameter(name="find", max_length=321)] = "",
    order: Annotated[Order, QueryParameter(name="order")] = "",
    emergency: Annotated[Literal["", "yes"], QueryParameter(name="emergency")] = "",
    part: Annotated[ListPart, QueryParameter(name="part")] = "open",
    cursor: Annotated[str | None, QueryParameter(name="cursor", max_length=200)] = None,
) -> ListQuery:
    """The fields in the address of a list."""
    begins: ListPart = "ended" if show == "ended" else part
    return ListQuery(
        show=show, find=find.strip(), order=order, emergency=emergency, part=begins, cursor=cursor
    )


_ASKED: Final = {"asked": Provide(list_query_of, sync_to_thread=False)}


class Section(msgspec.Struct, frozen=True):
    """Lines of a list under one heading; `key` is its key in the texts."""

    key: str
    lines: list[RequestSummary]


@get("/", include_in_schema=False)
async def start(caller: Caller, gateway: Gateway) -> Response[None]:
    """Redirect to what waits for the caller, or to their own requests if nothing does."""
    return go("/received" if (await waiting_requests(gateway, caller, "approve")).number else "/requests")


@get("/requests", include_in_schema=False, name="console-requests", dependencies=_ASKED)
async def my_requests(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    asked: ListQuery,
    after: AfterHeader = None,
) -> Response[str]:
    """R7: the caller's own requests: open ones, then ended ones, each with the newest change first."""
    return await _list(request, caller, gateway, "mine", after, asked)


@get("/received", include_in_schema=False, dependencies=_ASKED)
async def received(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    asked: ListQuery,
    after: AfterHeader = None,
) -> Response[str]:
    """R7, R9: requests that the caller decides on, oldest first. Their own are listed but not decidable."""
    return await _list(request, caller, gateway, "received", after, asked)


@get("/requests/all", include_in_schema=False, dependencies=_ASKED)
async def all_requests(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    asked: ListQuery,
    after: AfterHeader = None,
) -> Response[str]:
    """All requests, for accounts that may see them all. Raises Problem."""
    if not sees_all(gateway.log.governance, caller.principal):
        raise not_found("list of all requests")
    return await _list(request, caller, gateway, "all", after, asked)


async def _list(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    view: View,
    after: str | None,
    asked: ListQuery,
) -> Response[str]:
    await gateway.lag.reach(after)
    found, more = await _found(gateway, caller, view, asked)
    lines = summaries(found, gateway.log.governance, caller.principal, gateway.log.signs_for(caller.id))
    return await page(
        request,
        gateway,
        caller,
        "requests.html",
        view=view,
        asked=asked,
        order="oldest" if _is_oldest_first(view, asked, "open") else "newest",
        sections=_sections(view, lines),
        next=more,
        is_first=asked.is_first,
    )


async def _found(
    gateway: Gateway, caller: Caller, view: View, asked: ListQuery
) -> tuple[list[RequestView], dict[str, str] | None]:
    """One page of the list, and the address fields of the next page."""
    rows: list[RequestView] = []
    cursor = asked.cursor
    for part in _parts(asked):
        some = await list_of(
            gateway,
            caller,
            view,
            statuses=_STATUSES[part],
            text=asked.find or None,
            emergency=True if asked.emergency else None,
            oldest_first=_is_oldest_first(view, asked, part),
            cursor=cursor,
            limit=max(1, _LIMIT - len(rows)),
        )
        if some.requests and len(rows) == _LIMIT:
            return rows, {"part": part}
        rows += some.requests
        if some.next is not None:
            return rows, {"part": part, "cursor": some.next}
        cursor = None
    return rows, None


def _parts(asked: ListQuery) -> tuple[ListPart, ...]:
    if asked.show:
        return (asked.show,)
    return ("open", "ended") if asked.part == "open" else ("ended",)


def _is_oldest_first(view: View, asked: ListQuery, part: ListPart) -> bool:
    # In a queue the oldest comes first. Among one's own and ended requests, the newest does.
    return asked.order == "oldest" if asked.order else view == "received" and part == "open"


def _sections(view: View, lines: list[RequestSummary]) -> list[Section]:
    by_key: dict[str, list[RequestSummary]] = {}
    for line in lines:
        by_key.setdefault(_section_of(view, line), []).append(line)
    order = ("yours", "complete", "pending", "moving", "ended")
    return [Section(key, by_key[key]) for key in order if key in by_key]


def _section_of(view: View, line: RequestSummary) -> str:
    if line.row.status not in ("needs_approval", "approved"):
        return "ended"
    if view != "mine" and "approve" in line.can:
        return "yours"
    if "complete" in line.can:
        return "complete"
    # R22: an approved request that lost its quorum needs approval again, even before it is reopened.
    is_short = line.row.progress is None and line.given < line.asked
    return "pending" if line.row.status == "needs_approval" or is_short else "moving"
