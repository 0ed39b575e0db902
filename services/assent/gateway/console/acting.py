"""POST /requests/{id}/{action}: the forms on a request's page. Approve what you saw, or see what changed."""

from typing import Annotated, Any, Final, Literal

from litestar import Request, Response, post
from litestar.params import PathParameter

from assent.gateway.api.actions import (
    Body,
    Closing,
    Nothing,
    Release,
    Remark,
    Verdict,
    act,
    approve_of,
    cancel_of,
    close_of,
    complete_of,
    reject_of,
    revoke_of,
)
from assent.gateway.api.requests import find
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.console.errors import said
from assent.gateway.console.forms import FORM_MAX_BYTES, Form, held, key_after, key_of, read_form, see
from assent.gateway.console.request_page import request_page
from assent.gateway.console.text import t
from assent.gateway.deciding import REOPENED
from assent.gateway.problems import Problem, malformed
from assent_contracts.commands import RequestId

Action = Literal["approve", "reject", "revoke", "cancel", "complete", "close"]
_MAKE: Final[dict[Action, Any]] = {
    "approve": approve_of,
    "reject": reject_of,
    "revoke": revoke_of,
    "cancel": cancel_of,
    "complete": complete_of,
    "close": close_of,
}


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
    door: Door,
) -> Response[Any]:
    """Do it and show what was done; where it is refused, the page says why, with the note still there."""
    form = await read_form(request)
    seen = form.number("seen")
    try:
        body = _body(action, form, seen)
        decision = await act(door, caller, request_id, body, _MAKE[action], idempotency_key=key_of(form))
    except Problem as problem:
        if problem.code == "not-found":
            raise
        if problem.code == REOPENED:
            await held(door, str(problem.more["position"]))
        found = await find(door, caller, request_id)
        return await request_page(
            request,
            door,
            caller,
            found,
            status=problem.status,
            problem=said(problem),
            seen=seen,
            note=form.text("reason") if action == "close" else form.text("note"),
            key=key_after(problem, form),
        )
    return await see(door, decision.position, f"/requests/{request_id}#done")


def _body(action: Action, form: Form, seen: int | None) -> Body:
    if seen is None:
        # R1: nobody decides on what they have not been shown.
        raise malformed(t("form.not_what_it_showed"))
    note = form.text("note").strip()
    match action:
        case "approve" | "reject":
            return Verdict(submission=form.line("submission"), note=note, seen=seen)
        case "complete":
            return Release(submission=form.line("submission"), seen=seen)
        case "revoke":
            return Remark(note=note, seen=seen)
        case "cancel":
            return Nothing(seen=seen)
        case "close":
            return Closing(reason=form.text("reason").strip(), seen=seen)
