"""GET /api/v1/requests and /api/v1/requests/{id}: the lists of R7, and one request with its timeline."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.params import HeaderParameter, QueryParameter

from assent.gateway.application.page_cursors import CURSOR_MAX_CHARS
from assent.gateway.application.requests import Page, View, find, list_of, records_of
from assent.gateway.application.shown_submission import Doubt, ShownSubmission, shown_submission
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.table_lag import LAG_HEADER, AfterHeader
from assent.reading.approval_history import history
from assent.reading.audit_entries import AuditEntry, audit_entry
from assent.reading.governance_diff import GovernanceDiff, governance_diff
from assent.reading.submitted_content import as_submitted
from assent.store.queries import RequestView
from assent_contracts import limits
from assent_contracts.commands import RequestId
from assent_contracts.events import Status

PAGE_MAX: Final = 200


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its timeline and the approvals and rejections."""

    request: RequestView
    timeline: list[AuditEntry]
    history: list[dict[str, Any]]
    change: GovernanceDiff | None
    """What it would change in governance, for built-in types."""
    doubt: Doubt | None
    """R23: why nobody should decide on what is shown: Postgres `differs` from the ledger, the ledger is
    `unreadable`, or the submission is `not-yet` in the audit log. Null if it matches the ledger."""


def is_same(if_none_match: str | None, etag: str) -> bool:
    """Whether If-None-Match names this version, by RFC 9110."""
    named = (each.strip().removeprefix("W/") for each in (if_none_match or "").split(","))
    return any(each in (etag, "*") for each in named)


@get("/requests", operation_id="listRequests")
async def list_(
    caller: Caller,
    gateway: Gateway,
    after: AfterHeader = None,
    view: Annotated[
        View,
        QueryParameter(
            description="The caller's own; those it decides on; or, for auditors and administrators, all."
        ),
    ] = "mine",
    status: Annotated[list[Status] | None, QueryParameter(description="One or more.", max_items=7)] = None,
    resource: Annotated[str | None, QueryParameter(max_length=321)] = None,
    emergency: Annotated[
        bool | None, QueryParameter(description="R24: what the submission stated about that.")
    ] = None,
    ticket: Annotated[
        str | None,
        QueryParameter(
            max_length=limits.TICKET_MAX_CHARS, description="R24: a ticket that the submission named."
        ),
    ] = None,
    part_of: Annotated[
        str | None, QueryParameter(max_length=24, description="R29: the set that they are members of.")
    ] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_MAX_CHARS)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 50,
) -> Response[Page]:
    """List requests: the caller's own, those that it decides on, or all."""
    await gateway.lag.reach(after)
    page = await list_of(
        gateway,
        caller,
        view,
        statuses=status,
        resource=resource,
        emergency=emergency,
        ticket=ticket,
        part_of=part_of,
        cursor=cursor,
        limit=limit,
    )
    return Response(page, headers={LAG_HEADER: str(gateway.lag.records())})


@get("/requests/{request_id:str}", operation_id="showRequest")
async def show(
    request_id: RequestId,
    caller: Caller,
    gateway: Gateway,
    after: AfterHeader = None,
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match", max_length=200)] = None,
) -> Response[Shown | None]:
    """Show one request with its timeline and, for changes to governance, what would change."""
    await gateway.lag.reach(after)
    found = await find(gateway, caller, request_id)
    records, whole = await records_of(gateway, found)
    headers = {LAG_HEADER: str(gateway.lag.records()), "Cache-Control": "private, no-cache"}
    # A refused action adds a record, and a renewal moves the end of the lease. Neither changes anything else.
    etag = f'"{found.last_seq}-{len(records) + (found.lease_end or 0)}"'
    if whole and is_same(if_none_match, etag):
        return Response(None, status_code=304, headers={**headers, "ETag": etag})
    shown = await shown_submission(gateway, found, records)
    if whole and shown.doubt is None:
        headers["ETag"] = etag
    return Response(_shown(gateway, found, shown), headers=headers)


def _shown(gateway: Gateway, found: RequestView, shown: ShownSubmission) -> Shown:
    submitted = shown.submitted
    return Shown(
        request=found if submitted is None else as_submitted(found, submitted),
        timeline=[audit_entry(record) for record in shown.records],
        history=history(shown.records),
        # Nothing is derived from what the ledger does not confirm.
        change=governance_diff(submitted, gateway.log.follower.past.at) if shown.doubt is None else None,
        doubt=shown.doubt,
    )
