"""POST /requests/{id}/{action}: the forms on a request's page, which apply only to what the user saw."""

from typing import Annotated, Any, Final

from litestar import Request, Response, post
from litestar.params import PathParameter
from msgspec import UNSET

from assent.gateway.application.actions import DETAILS, act
from assent.gateway.application.command_sending import REOPENED
from assent.gateway.application.projection_waits import requests_caught_up
from assent.gateway.application.requests import find
from assent.gateway.caller import Caller
from assent.gateway.console.error_pages import problem_words
from assent.gateway.console.forms import FORM_MAX_BYTES, Form, form_key, key_after, read_form, see
from assent.gateway.console.request_page import request_page
from assent.gateway.console.text import t
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem
from assent.reading.request_rows import state_of_row
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import Action, RequestId
from assent_contracts.core.requests.permissions import SETTLEMENTS, is_possible

_NO_TEXTS: Final = frozenset({"seen", "submission", "outcome", "claim"})


@post(
    "/requests/{request_id:str}/{action:str}",
    include_in_schema=False,
    status_code=303,
    request_max_body_size=FORM_MAX_BYTES,
)
async def act_on(
    request: Request[Any, Any, Any],
    request_id: RequestId,
    action: Annotated[Action, PathParameter()],
    caller: Caller,
    gateway: Gateway,
) -> Response[Any]:
    """Perform the action and show the result. If it is refused, the page shows why and keeps the note."""
    form = await read_form(request)
    seen = form.number("seen")
    try:
        details = _details(action, form, seen)
        if action == "reject" and not details["note"]:
            await _need_reason(gateway, caller, request_id)
        decision = await act(gateway, caller, request_id, action, details, idempotency_key=form_key(form))
    except Problem as problem:
        if problem.code == "not-found":
            raise
        if problem.code == REOPENED:
            await requests_caught_up(gateway, str(problem.more["position"]))
        found = await find(gateway, caller, request_id)
        return await request_page(
            request,
            gateway,
            caller,
            found,
            status=problem.status,
            problem=problem_words(problem),
            seen=seen,
            note=form.text("note") or form.text("reason"),
            key=key_after(problem, form),
        )
    return await see(gateway, decision.position, f"/requests/{request_id}#done")


async def _need_reason(gateway: Gateway, caller: Caller, request_id: str) -> None:
    """R8: a rejection needs a reason. R16: one that would be refused anyway goes to the log, on record."""
    state = state_of_row(await find(gateway, caller, request_id))
    through = gateway.log.signs_for(caller.id)
    governance = gateway.log.governance
    if state and is_possible("reject", state, governance, caller.principal, now_ms(), through=through):
        raise Problem(422, "reason-required", t("problem.reason-required.detail"), todo="")


def _details(action: Action, form: Form, seen: int | None) -> dict[str, Any]:
    if seen is None:
        # R1: nobody decides on something that was not shown to them.
        raise malformed_problem(t("form.not_what_it_showed"))
    fields = DETAILS[action].__struct_fields__
    texts = {name: form.text(name).strip() for name in fields if name not in _NO_TEXTS}
    named = {"submission": form.line("submission")} if "submission" in fields else {}
    settled = _settled(form) if action == "settle" else {}
    return {**named, **texts, **settled, "seen": seen}


def _settled(form: Form) -> dict[str, Any]:
    outcome, claim = form.line("outcome"), form.number("claim")
    if outcome not in SETTLEMENTS:
        raise malformed_problem(t("settle.choose"))
    return {"outcome": outcome, "claim": UNSET if claim is None else claim}
