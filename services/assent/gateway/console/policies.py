"""/policies: list, create, edit and delete policies, through requests where approval is needed."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from assent.gateway.application.governance_changes import change_governance, effects_of, prospect_of
from assent.gateway.application.requests import open_request_of
from assent.gateway.application.visibility import may_see
from assent.gateway.caller import Caller
from assent.gateway.console.error_pages import problem_shown
from assent.gateway.console.forms import FORM_MAX_BYTES, Form, form_key, key_after, read_form, see_changed
from assent.gateway.console.pages import page
from assent.gateway.console.policy_forms import (
    UNITS_MS,
    PolicyValues,
    empty_values,
    policy_sent,
    values_of,
    values_sent,
)
from assent.gateway.console.text import t
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem, not_found
from assent.reading.change_prospects import Prospect
from assent_contracts.access_policies import Policy
from assent_contracts.change_details import DEMANDS
from assent_contracts.core.governance.eligible_people import eligible_people
from assent_contracts.core.governance.policies import policy_sentence
from assent_contracts.core.governance.roles import holds_role
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    CreatePolicy,
    DeletePolicy,
    EditPolicy,
    GovernanceChange,
    policy_object,
)
from assent_contracts.limits import NAME_MAX_CHARS

_Id = Annotated[str, QueryParameter(name="id", max_length=NAME_MAX_CHARS)]
"""In the query, because an id can have slashes and dots, which browsers resolve in a path."""


class PolicyOnPage(msgspec.Struct, frozen=True, kw_only=True):
    """A policy in the list."""

    policy: Policy
    sentence: str
    people: tuple[str, ...]
    """One account of each person who could approve under it."""


@get("/policies", include_in_schema=False)
async def show_policies(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[str]:
    """Every policy, with its sentence and the people who could approve under it."""
    governance = gateway.log.governance
    policies = sorted(governance.policies.values(), key=lambda each: (each.resource_type, each.name, each.id))
    views = [
        PolicyOnPage(
            policy=each,
            sentence=policy_sentence(each, governance),
            people=people_of(governance, tuple(g for rule in each.approvals for g in rule.groups)),
        )
        for each in policies
    ]
    return await page(request, gateway, caller, "policies.html", policies=views)


def people_of(governance: Governance, groups: tuple[str, ...]) -> tuple[str, ...]:
    """One account of each eligible person in these groups."""
    people = eligible_people(governance, groups)
    found: dict[str, str] = {}
    for account in sorted(governance.members_of_any(groups)):
        person = governance.principals[account].person
        if person in people and governance.principals[account].enabled:
            found.setdefault(person, account)
    return tuple(found.values())


@get("/policies/new", include_in_schema=False)
async def show_new(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[str]:
    """The form for a new policy. Raises Problem."""
    _need_administrator(gateway, caller)
    return await _form(request, gateway, caller, empty_values(), is_new=True)


@get("/policies/edit", include_in_schema=False)
async def show_edit(
    request: Request[Any, Any, Any], policy_id: _Id, caller: Caller, gateway: Gateway
) -> Response[str]:
    """The form for an existing policy. Raises Problem."""
    _need_administrator(gateway, caller)
    policy = _found(gateway, policy_id)
    values = values_of(policy, gateway.log.governance.version(policy_object(policy.id)))
    return await _form(request, gateway, caller, values, is_new=False)


@get("/policies/delete", include_in_schema=False)
async def show_delete(
    request: Request[Any, Any, Any], policy_id: _Id, caller: Caller, gateway: Gateway
) -> Response[str]:
    """Show what deleting it would do, before anything is sent. Raises Problem."""
    _need_administrator(gateway, caller)
    policy = _found(gateway, policy_id)
    version = gateway.log.governance.version(policy_object(policy.id))
    assert version is not None, "an existing object has a version"
    prospect = prospect_of(gateway, caller, DeletePolicy(policy=policy.id, version=version))
    return await _delete_page(request, gateway, caller, policy, version, prospect)


@post("/policies/new", include_in_schema=False, status_code=303, request_max_body_size=FORM_MAX_BYTES)
async def send_new(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[Any]:
    """Show what would happen, or send the change."""
    return await _sent(request, gateway, caller, is_new=True)


@post(
    "/policies/edit",
    include_in_schema=False,
    status_code=303,
    request_max_body_size=FORM_MAX_BYTES,
)
async def send_edit(
    request: Request[Any, Any, Any], policy_id: _Id, caller: Caller, gateway: Gateway
) -> Response[Any]:
    """Show what would happen, or send the change. Raises Problem."""
    _found(gateway, policy_id)
    return await _sent(request, gateway, caller, is_new=False, policy_id=policy_id)


@post("/policies/delete", include_in_schema=False, status_code=303)
async def send_delete(
    request: Request[Any, Any, Any], policy_id: _Id, caller: Caller, gateway: Gateway
) -> Response[Any]:
    """Send the deletion. Raises Problem."""
    policy = _found(gateway, policy_id)
    form = await read_form(request)
    version = form.number("version")
    if version is None:
        raise malformed_problem(t("form.not_what_it_showed"))
    prospect = prospect_of(gateway, caller, DeletePolicy(policy=policy.id, version=version))
    try:
        return await _send(gateway, caller, prospect, form)
    except Problem as problem:
        return await _delete_page(
            request, gateway, caller, policy, version, prospect, problem=problem, form=form
        )


async def _send(gateway: Gateway, caller: Caller, prospect: Prospect, form: Form) -> Response[None]:
    justification = form.text("justification").strip()
    done = await change_governance(gateway, caller, prospect, justification, idempotency_key=form_key(form))
    return await see_changed(gateway, done, "/policies")


async def _sent(
    request: Request[Any, Any, Any], gateway: Gateway, caller: Caller, *, is_new: bool, policy_id: str = ""
) -> Response[Any]:
    form = await read_form(request)
    values = values_sent(form)
    if not is_new:
        values = msgspec.structs.replace(values, id=policy_id)
    prospect: Prospect | None = None
    try:
        prospect = prospect_of(gateway, caller, _change(values, is_new=is_new))
        if form.line("step") == "send":
            return await _send(gateway, caller, prospect, form)
    except Problem as problem:
        return await _form(
            request,
            gateway,
            caller,
            values,
            is_new=is_new,
            prospect=prospect,
            problem=problem,
            form=form,
        )
    back = form.line("step") == "back"
    return await _form(
        request,
        gateway,
        caller,
        values,
        is_new=is_new,
        prospect=None if back else prospect,
        form=form,
    )


def _change(values: PolicyValues, *, is_new: bool) -> GovernanceChange:
    policy = policy_sent(values)
    if is_new:
        return CreatePolicy(policy=policy)
    if not values.version.isdecimal():
        raise malformed_problem(t("form.not_what_it_showed"))
    return EditPolicy(policy=policy, version=int(values.version[:18]))


async def _form(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    caller: Caller,
    values: PolicyValues,
    *,
    is_new: bool,
    prospect: Prospect | None = None,
    problem: Problem | None = None,
    form: Form | None = None,
) -> Response[str]:
    governance = gateway.log.governance
    return await page(
        request,
        gateway,
        caller,
        "policy_form.html",
        status=problem.status if problem else 200,
        values=values,
        is_new=is_new,
        groups=sorted(governance.groups.values(), key=lambda each: each.name or each.id),
        people=lambda group: len(eligible_people(governance, (group,))),
        pending=await _pending(gateway, caller, values.id),
        types=sorted({each.resource_type for each in governance.policies.values()}),
        units=tuple(UNITS_MS),
        demands=DEMANDS,
        prospect=prospect,
        effects=await effects_of(gateway, prospect.change) if prospect else None,
        problem=await problem_shown(gateway, caller, problem) if problem else None,
        justification=form.text("justification").strip() if form else "",
        key=key_after(problem, form),
    )


async def _delete_page(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    caller: Caller,
    policy: Policy,
    version: int,
    prospect: Prospect,
    *,
    problem: Problem | None = None,
    form: Form | None = None,
) -> Response[str]:
    return await page(
        request,
        gateway,
        caller,
        "policy_delete.html",
        status=problem.status if problem else 200,
        policy=policy,
        pending=await _pending(gateway, caller, policy.id),
        version=version,
        prospect=prospect,
        effects=await effects_of(gateway, prospect.change) if prospect else None,
        problem=await problem_shown(gateway, caller, problem) if problem else None,
        justification=form.text("justification").strip() if form else "",
        key=key_after(problem, form),
    )


async def _pending(gateway: Gateway, caller: Caller, policy_id: str) -> dict[str, Any] | None:
    """R10: the open request about this policy. While it is open, another one would be refused."""
    row = await open_request_of(gateway, policy_object(policy_id)) if policy_id else None
    if row is None:
        return None
    return {"row": row, "may_see": may_see(gateway.log.governance, caller.principal, row)}


def _need_administrator(gateway: Gateway, caller: Caller) -> None:
    """R3: refuse before a form is filled in. A form that is sent anyway is refused by the log, on record."""
    if not holds_role(gateway.log.governance, caller.id, "administrator"):
        raise Problem(403, "not-permitted", t("policies.not_yours"), todo=t("policies.ask"))


def _found(gateway: Gateway, policy_id: str) -> Policy:
    policy = gateway.log.governance.policies.get(policy_id)
    if policy is None:
        raise not_found(f"policy {policy_id[:64]}")
    return policy
