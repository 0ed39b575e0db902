"""GET /api/v1/requests and /api/v1/requests/{id}: the lists of R7, and one request with its timeline."""

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, get
from litestar.params import HeaderParameter, QueryParameter

from assent.gateway.api.cursors import CURSOR_MAX_CHARS, BigInt, Int, cursor_place, cursor_text
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.lag import AFTER_HEADER, LAG_HEADER
from assent.gateway.problems import not_found
from assent.gateway.submission import Doubt, ShownSubmission, shown_submission
from assent.gateway.visibility import may_see, sees_all
from assent.reading.counting import counted
from assent.reading.entries import Entry, audit_entry
from assent.reading.governance_diff import GovernanceDiff, governance_diff
from assent.reading.history import history
from assent.reading.received import received_groups, received_types
from assent.reading.submitted import as_submitted
from assent.store.queries import (
    LIST_MAX,
    AuditRow,
    Cursor,
    RequestFilter,
    RequestView,
    groups_of_open_policy_requests,
    list_requests,
    show_request,
    timeline,
)
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import RequestId
from assent_contracts.events import Status
from assent_contracts.resources import REQUEST_ID_PATTERN, parse_request_id
from assent_contracts.topics import LEDGER

PAGE_MAX: Final = 200
_WITHIN_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.05
View = Literal["mine", "received", "all"]
After = Annotated[
    str | None,
    HeaderParameter(
        name=AFTER_HEADER,
        max_length=40,
        schema_extra={"pattern": f"^{REQUEST_ID_PATTERN}$"},
        description="Answer once the lists hold this position: an answer's `position`.",
    ),
]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, the newest change first."""

    requests: list[RequestView]
    next: str | None
    """The `cursor` of the page after this one; null on the last."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request with everything that was said about it."""

    request: RequestView
    timeline: list[Entry]
    history: list[dict[str, Any]]
    change: GovernanceDiff | None
    """What it would change in governance, for the types that are built in."""
    doubt: Doubt | None
    """R23: why nobody should decide on what is shown: Postgres `differs` from the ledger, or the ledger is
    `unreadable`, or the submission is `not-yet` there. Null where it is what the ledger has."""


async def find(door: Door, caller: Caller, request_id: str) -> RequestView:
    """A request that the caller may see. Raises Problem: not-found, also where it is not theirs to see."""
    found = await show_request(door.db, request_id)
    place = parse_request_id(request_id)
    if found is None and place is not None and door.lag.is_coming(*place):
        # It was submitted a moment ago: whoever has its id need not wait by themselves.
        await door.lag.durable(*place, within_s=_WITHIN_S)
        found = await show_request(door.db, request_id)
    # The id is what was asked for, whatever the row says that it is.
    if found is None or found.id != request_id or not may_see(door.log.governance, caller.principal, found):
        raise not_found(f"request {request_id[:40]}")
    return counted(found, door.log.governance)


async def list_of(
    door: Door,
    caller: Caller,
    view: View,
    *,
    statuses: list[Status] | None = None,
    resource: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """R7, R14: one page of a list. Raises Problem."""
    wanted = await _wanted(door, caller, view)
    if wanted is None:
        return Page(requests=[], next=None)
    wanted = msgspec.structs.replace(wanted, statuses=statuses, resource=resource)
    since = now_ms() - door.log.governance.settings.visibility_ms
    rows = await list_requests(
        door.db, wanted, ended_since_ms=since, after=read_cursor(cursor), limit=limit + 1
    )
    more = len(rows) > limit
    found = [counted(row, door.log.governance) for row in rows[:limit]]
    return Page(requests=found, next=write_cursor(rows[limit - 1].cursor) if more else None)


async def _wanted(door: Door, caller: Caller, view: View) -> RequestFilter | None:
    governance, principal = door.log.governance, caller.principal
    if view == "mine":
        # R9: all accounts of one person are theirs; a service has no other account.
        return (
            RequestFilter(person=principal.person)
            if principal.person
            else RequestFilter(requester=principal.id)
        )
    if view == "all" and sees_all(governance, principal):
        return RequestFilter()
    groups = received_groups(governance, principal.id, await groups_of_open_policy_requests(door.db))
    types = received_types(governance, principal.id)
    return RequestFilter(groups=groups, types=types) if groups or types else None


def write_cursor(cursor: Cursor) -> str:
    """Where a page ends, as text."""
    return cursor_text(msgspec.structs.astuple(cursor))


def read_cursor(text: str | None) -> Cursor | None:
    """Where a page begins. Raises Problem."""
    return None if text is None else Cursor(*cursor_place(text, tuple[BigInt, Int, BigInt]))


async def records_of(door: Door, found: RequestView) -> tuple[list[AuditRow], bool]:
    """The records of a request, and whether they are as new as `found`: the audit log may be behind."""
    deadline = asyncio.get_running_loop().time() + _WITHIN_S
    while True:
        records = await timeline(door.db, found.id)
        last = max((each.seq for each in records if each.ledger == LEDGER), default=-1)
        whole = last >= found.last_seq or len(records) == LIST_MAX
        if whole or asyncio.get_running_loop().time() > deadline:
            return records, whole
        await asyncio.sleep(_LOOK_EVERY_S)


def is_same(if_none_match: str | None, etag: str) -> bool:
    """Whether If-None-Match names this version, by RFC 9110."""
    named = (each.strip().removeprefix("W/") for each in (if_none_match or "").split(","))
    return any(each in (etag, "*") for each in named)


@get("/requests", operation_id="listRequests")
async def list_(
    caller: Caller,
    door: Door,
    after: After = None,
    view: Annotated[
        View,
        QueryParameter(
            description="One's own; those that one decides on; or, for auditors and administrators, all."
        ),
    ] = "mine",
    status: Annotated[list[Status] | None, QueryParameter(description="One or more.", max_items=7)] = None,
    resource: Annotated[str | None, QueryParameter(max_length=321)] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_MAX_CHARS)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 50,
) -> Response[Page]:
    """List requests: one's own, those one decides on, or all of them."""
    await door.lag.reach(after)
    page = await list_of(door, caller, view, statuses=status, resource=resource, cursor=cursor, limit=limit)
    return Response(page, headers={LAG_HEADER: str(door.lag.records())})


@get("/requests/{request_id:str}", operation_id="showRequest")
async def show(
    request_id: RequestId,
    caller: Caller,
    door: Door,
    after: After = None,
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match", max_length=200)] = None,
) -> Response[Shown | None]:
    """Show one request with its timeline, and for changes to governance what would change."""
    await door.lag.reach(after)
    found = await find(door, caller, request_id)
    records, whole = await records_of(door, found)
    headers = {LAG_HEADER: str(door.lag.records()), "Cache-Control": "private, no-cache"}
    # A refused action is a record more, and changes nothing else.
    etag = f'"{found.last_seq}-{len(records)}"'
    if whole and is_same(if_none_match, etag):
        return Response(None, status_code=304, headers={**headers, "ETag": etag})
    shown = await shown_submission(door, found, records)
    if whole and shown.doubt is None:
        headers["ETag"] = etag
    return Response(_shown(door, found, shown), headers=headers)


def _shown(door: Door, found: RequestView, shown: ShownSubmission) -> Shown:
    submitted = shown.submitted
    return Shown(
        request=found if submitted is None else as_submitted(found, submitted),
        timeline=[audit_entry(record) for record in shown.records],
        history=history(shown.records),
        # From what the ledger does not confirm, nothing is worked out.
        change=governance_diff(submitted, door.log.governance_at) if shown.doubt is None else None,
        doubt=shown.doubt,
    )
