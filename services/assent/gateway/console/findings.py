"""/findings: what differs at targets from what was applied, and how a finding is closed (R28)."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from assent.gateway.application.findings import close_finding, findings_page
from assent.gateway.application.page_cursors import CURSOR_MAX_CHARS
from assent.gateway.caller import Caller
from assent.gateway.console.error_pages import problem_words
from assent.gateway.console.forms import FORM_MAX_BYTES, Form, form_key, key_after, read_form, see
from assent.gateway.console.pages import page
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem
from assent_contracts.commands import FindingId
from assent_contracts.core.requests.close_finding import can_close_findings

_HERE: Final = "/findings"
_LIMIT: Final = 50
_Cursor = Annotated[str | None, QueryParameter(max_length=CURSOR_MAX_CHARS)]


@get(_HERE, include_in_schema=False)
async def show_findings(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    show: Annotated[str, QueryParameter(max_length=10)] = "open",
    cursor: _Cursor = None,
) -> Response[str]:
    """The open findings, or all of them, that the caller may see."""
    return await _page(request, caller, gateway, only_open=show != "all", cursor=cursor)


@post(
    f"{_HERE}/{{finding_id:str}}/close",
    include_in_schema=False,
    status_code=303,
    request_max_body_size=FORM_MAX_BYTES,
)
async def close(
    request: Request[Any, Any, Any], finding_id: FindingId, caller: Caller, gateway: Gateway
) -> Response[Any]:
    """Close a finding. If that is refused, the page shows why and keeps the reason."""
    form = await read_form(request)
    try:
        reason = form.text("reason").strip()
        done = await close_finding(gateway, caller, finding_id, reason, idempotency_key=form_key(form))
    except Problem as problem:
        if problem.code == "not-found":
            raise
        return await _page(request, caller, gateway, problem=problem, sent=(finding_id, form))
    return await see(gateway, done.position, _HERE)


async def _page(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    *,
    only_open: bool = True,
    cursor: str | None = None,
    problem: Problem | None = None,
    sent: tuple[str, Form] | None = None,
) -> Response[str]:
    found = await findings_page(
        gateway, caller, is_open=True if only_open else None, cursor=cursor, limit=_LIMIT
    )
    governance = gateway.log.governance
    closable = {
        kind: can_close_findings(caller.principal, kind, governance)
        for kind in {each.resource_type for each in found.findings}
    }
    form = None if sent is None else sent[1]
    return await page(
        request,
        gateway,
        caller,
        "findings.html",
        status=200 if problem is None else problem.status,
        findings=found.findings,
        closable=closable,
        only_open=only_open,
        next=found.next,
        is_first=cursor is None,
        problem=None if problem is None else problem_words(problem),
        sent=None if sent is None else sent[0],
        reason="" if form is None else form.text("reason"),
        key=key_after(problem, form),
    )
