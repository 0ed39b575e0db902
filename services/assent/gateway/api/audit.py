"""GET /api/v1/audit: every recorded action, including refused ones, for auditors and administrators (R16)."""

from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from assent.gateway.application.audit import (
    EXPORT_MAX,
    AuditPage,
    audit_page,
    exported,
    read_audit_cursor,
    refuse_others,
)
from assent.gateway.application.page_cursors import CURSOR_MAX_CHARS
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.table_lag import LAG_HEADER
from assent.store.filters import AuditFilter, LedgerTopic
from assent_contracts.limits import NAME_MAX_CHARS

PAGE_MAX: Final = 200
_MS_MAX: Final = (1 << 53) - 1

PrincipalAsked = Annotated[str | None, QueryParameter(max_length=NAME_MAX_CHARS, description="The sender.")]
RequestAsked = Annotated[
    str | None, QueryParameter(name="request", max_length=40, description="The id of a request.")
]
ResourceAsked = Annotated[
    str | None, QueryParameter(max_length=321, description="The whole name of an object.")
]
CommandAsked = Annotated[
    str | None, QueryParameter(max_length=100, description="A command type, such as assent.approve.v1.")
]
RefusedAsked = Annotated[bool | None, QueryParameter(description="true: only refusals; false: none.")]
Since = Annotated[int | None, QueryParameter(ge=0, le=_MS_MAX, description="From this log time on, ms.")]
Until = Annotated[int | None, QueryParameter(ge=0, le=_MS_MAX, description="Before this log time, ms.")]
LedgerAsked = Annotated[LedgerTopic | None, QueryParameter()]
CursorAsked = Annotated[
    str | None,
    QueryParameter(max_length=CURSOR_MAX_CHARS, description="The `next` of the previous page or export."),
]


@get("/audit", operation_id="searchAudit")
async def search(
    caller: Caller,
    gateway: Gateway,
    principal: PrincipalAsked = None,
    request_id: RequestAsked = None,
    resource: ResourceAsked = None,
    command: CommandAsked = None,
    refused: RefusedAsked = None,
    since: Since = None,
    until: Until = None,
    ledger: LedgerAsked = None,
    cursor: CursorAsked = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 50,
) -> Response[AuditPage]:
    """Search the audit log."""
    wanted = _filter(principal, request_id, resource, command, refused, since, until, ledger)
    refuse_others(caller, gateway)
    page = await audit_page(gateway, wanted, cursor, limit)
    return Response(page, headers={LAG_HEADER: str(gateway.lag.records())})


@get("/audit/export", operation_id="exportAudit", media_type="application/x-ndjson")
async def export(
    caller: Caller,
    gateway: Gateway,
    principal: PrincipalAsked = None,
    request_id: RequestAsked = None,
    resource: ResourceAsked = None,
    command: CommandAsked = None,
    refused: RefusedAsked = None,
    since: Since = None,
    until: Until = None,
    ledger: LedgerAsked = None,
    cursor: CursorAsked = None,
) -> Stream:
    """Export what a search finds as lines of JSON, at most 100,000 records. The last line is a summary."""
    wanted = _filter(principal, request_id, resource, command, refused, since, until, ledger)
    refuse_others(caller, gateway)
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return Stream(exported(gateway, wanted, read_audit_cursor(cursor), EXPORT_MAX), headers=headers)


def _filter(
    principal: str | None,
    request: str | None,
    resource: str | None,
    command: str | None,
    refused: bool | None,  # noqa: FBT001
    since: int | None,
    until: int | None,
    ledger: Any,
) -> AuditFilter:
    return AuditFilter(
        principal=principal,
        request=request,
        resource=resource,
        command=command,
        refused=refused,
        since_ms=since,
        until_ms=until,
        ledger=ledger,
    )
