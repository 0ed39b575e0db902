"""GET /api/v1/findings, and POST /api/v1/findings/{id}/close: what differs at targets (R28)."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from assent.gateway.api.requests import PAGE_MAX
from assent.gateway.api.submissions import IdempotencyKey
from assent.gateway.application.command_sending import Decision
from assent.gateway.application.findings import FindingPage, close_finding, find_finding, findings_page
from assent.gateway.application.page_cursors import CURSOR_MAX_CHARS
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.request_bodies import TAKES, read_body
from assent.gateway.table_lag import LAG_HEADER, AfterHeader
from assent.store.finding_queries import FindingView
from assent_contracts.commands import ClosingReason, FindingId


class FindingClosing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a finding is closed."""

    reason: ClosingReason


@get("/findings", operation_id="listFindings")
async def list_all(
    caller: Caller,
    gateway: Gateway,
    after: AfterHeader = None,
    is_open: Annotated[
        bool | None,
        QueryParameter(name="open", description="Those that are open, or the others. Absent: all."),
    ] = None,
    resource: Annotated[str | None, QueryParameter(max_length=321)] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_MAX_CHARS)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 50,
) -> Response[FindingPage]:
    """List the findings of the types that the caller administers, audits or approves for."""
    await gateway.lag.reach(after)
    found = await findings_page(
        gateway,
        caller,
        is_open=is_open,
        resource=resource,
        cursor=cursor,
        limit=limit,
    )
    return Response(found, headers={LAG_HEADER: str(gateway.lag.records())})


@get("/findings/{finding_id:str}", operation_id="showFinding")
async def show(
    finding_id: FindingId, caller: Caller, gateway: Gateway, after: AfterHeader = None
) -> FindingView:
    """Show one finding."""
    await gateway.lag.reach(after)
    return await find_finding(gateway, caller, finding_id)


@post(
    "/findings/{finding_id:str}/close",
    opt={TAKES: FindingClosing},
    operation_id="closeFinding",
    status_code=200,
)
async def close(
    request: Request[Any, Any, Any],
    finding_id: FindingId,
    caller: Caller,
    gateway: Gateway,
    idempotency_key: IdempotencyKey = None,
) -> Decision:
    """Close a finding, as an administrator or an approver of its type, with the explanation."""
    body = await read_body(request, FindingClosing)
    return await close_finding(gateway, caller, finding_id, body.reason, idempotency_key=idempotency_key)
