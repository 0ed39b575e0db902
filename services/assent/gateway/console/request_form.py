"""/requests/new: request a change to one object, with the role requester (R6, R15, R18, R24)."""

import base64
import re
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from assent.gateway.application.submissions import submit
from assent.gateway.caller import Caller
from assent.gateway.console.detail_fields import DETAIL_FIELDS, detail_values, details_sent
from assent.gateway.console.error_pages import problem_shown
from assent.gateway.console.forms import FORM_MAX_BYTES, Form, form_key, key_after, read_form, see
from assent.gateway.console.pages import page
from assent.gateway.console.request_page import request_and_payload
from assent.gateway.console.text import t
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem, of_refusal
from assent.store.queries import RequestView
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.core.governance.policies import policy_sentence
from assent_contracts.core.governance.roles import holds_role
from assent_contracts.core.governance.state import Governance
from assent_contracts.file_payloads import file_of_payload, payload_of_file
from assent_contracts.refusals import Refusal, RefusalCode

_OPERATIONS = ("edit", "create", "delete", "assign")
_FIELDS = ("type", "name", "operation", "kind", "payload", "file", "justification", *DETAIL_FIELDS)
_UNFIT_FOR_A_FIELD = re.compile(r"[\r\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
_NEEDS_CONTENT = frozenset({"create", "edit"})
_EMPTY = {**dict.fromkeys(_FIELDS, ""), "operation": "edit", "kind": "text"}


@get("/requests/new", include_in_schema=False)
async def show_form(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    again: Annotated[str | None, QueryParameter(name="again", max_length=32)] = None,
) -> Response[str]:
    """The form, filled in from the request `again` if given. Raises Problem: not-permitted."""
    _need_requester(gateway, caller)
    values = _EMPTY if again is None else _values_of(*await request_and_payload(gateway, caller, again))
    return await _form_page(request, caller, gateway, values=values)


@post("/requests/new", include_in_schema=False, status_code=303, request_max_body_size=FORM_MAX_BYTES)
async def send_form(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[Any]:
    """Submit it and show the request. If it is refused, show the form again with everything in it."""
    _need_requester(gateway, caller)
    form = await read_form(request)
    try:
        decision = await submit(
            gateway,
            caller,
            resource=f"{form.line('type')}/{form.line('name')}",
            operation=form.line("operation"),
            justification=form.text("justification").strip(),
            payload=_payload(form),
            details=details_sent(form),
            idempotency_key=form_key(form),
        )
    except Problem as problem:
        return await _form_page(request, caller, gateway, form=form, problem=problem)
    return await see(gateway, decision.position, f"/requests/{decision.request}#done")


def _payload(form: Form) -> bytes:
    content = _file(form)
    if content is None:
        # The line ends of a field come from the browser. Those of a file are kept.
        content = form.text("payload").encode()
    if not content and form.line("operation") in _NEEDS_CONTENT:
        raise malformed_problem(t("new.empty", operation=form.line("operation")))
    if form.line("kind") != "json":
        return payload_of_file(content)
    try:
        content.decode()
        msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise malformed_problem(t("new.not_json", why=str(error)[:200])) from error
    return content.strip()


def _values_of(row: RequestView, payload: bytes) -> dict[str, str]:
    """The form's fields for an earlier submission, byte for byte."""
    kind, name = row.resource.split("/", 1)
    file = file_of_payload(payload)
    content = payload if file is None else file
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    # A text field changes line ends, and loses characters that HTML does not allow.
    fits = text is not None and not _UNFIT_FOR_A_FIELD.search(text)
    return {
        "type": kind,
        "name": name,
        "operation": row.operation,
        "kind": "json" if file is None else "text",
        "payload": text if text is not None and fits else "",
        "file": "" if fits else base64.b64encode(content).decode(),
        "justification": row.justification,
        **detail_values(row.details),
    }


def _file(form: Form) -> bytes | None:
    """The bytes of the file in the form, which are in base64; None if there is none."""
    taken = form.line("file")
    if not taken:
        return None
    try:
        return base64.b64decode(taken, validate=True)
    except ValueError as error:
        raise malformed_problem(t("new.not_a_file")) from error


async def _form_page(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    *,
    form: Form | None = None,
    values: dict[str, str] = _EMPTY,
    problem: Problem | None = None,
) -> Response[str]:
    return await page(
        request,
        gateway,
        caller,
        "new_request.html",
        status=problem.status if problem else 200,
        values={name: form.text(name) for name in _FIELDS} if form else values,
        problem=await problem_shown(gateway, caller, problem) if problem else None,
        types=_types(gateway.log.governance, caller.id),
        operations=_OPERATIONS,
        details=DETAIL_FIELDS,
        key=key_after(problem, form),
    )


def _types(governance: Governance, principal: str) -> list[dict[str, Any]]:
    """The protected types for which the caller may submit requests, with what each requires."""
    kinds = sorted({policy.resource_type for policy in governance.policies.values()} - BUILT_IN_TYPES)
    return [
        {
            "name": kind,
            "demands": [field for field, _ in governance.demands_of(kind)],
            "asks": [
                policy_sentence(policy, governance)
                for policy in governance.policies.values()
                if policy.resource_type == kind
            ],
        }
        for kind in kinds
        if governance.has_role(principal, "requester", kind)
    ]


def _need_requester(gateway: Gateway, caller: Caller) -> None:
    if not holds_role(gateway.log.governance, caller.id, "requester"):
        detail = t("new.no_role", who=caller.id)
        raise of_refusal(Refusal(code=RefusalCode.NOT_PERMITTED, detail=detail))
