"""/notifications: the caller's notification targets, and messages that could not be delivered (R17)."""

from typing import Annotated, Any, cast
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from assent.gateway.application.targets import (
    TargetChange,
    WantedTarget,
    added_target,
    changed_target,
    removed_target,
    retried_dead_letter,
    tested_target,
)
from assent.gateway.caller import Caller
from assent.gateway.console.error_pages import problem_words
from assent.gateway.console.forms import go, read_form
from assent.gateway.console.pages import page
from assent.gateway.console.text import t
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem, not_found
from assent.targets.dead_letters import dead_letters
from assent.targets.news import EVENTS, NewsEvent
from assent.targets.own_targets import NewTarget, list_targets
from assent.targets.target_tests import latest_tests
from assent.targets.urls import TargetKind
from assent_contracts.client.publisher import now_ms

_HERE = "/notifications"
_LETTERS = 50
_LATE_MS = 15_000
"""A test that nobody has sent for so long: notify may not be running."""


@get(_HERE, include_in_schema=False)
async def show_notifications(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway
) -> Response[str]:
    """The caller's targets and undelivered messages."""
    return await _page(request, caller, gateway)


@post(_HERE, include_in_schema=False)
async def add_notification(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway
) -> Response[str]:
    """Add a target. Only the page that answers this shows a webhook's secret."""
    form = await read_form(request)
    kind, chosen = form.line("kind"), form.all("events")
    values = {"kind": kind, "url": form.line("url"), "events": chosen}
    try:
        if kind not in ("apprise", "webhook") or not set(chosen) <= set(EVENTS):
            raise malformed_problem(t("notifications.no_kind"))
        every = not chosen or len(chosen) == len(EVENTS)
        wanted = WantedTarget(
            kind=cast("TargetKind", kind),
            url=values["url"],
            events=None if every else cast("tuple[NewsEvent, ...]", chosen),
        )
        made = await added_target(gateway, caller, wanted)
    except Problem as problem:
        return await _page(request, caller, gateway, problem=problem, values=values)
    return await _page(request, caller, gateway, made=made)


@get(f"{_HERE}/change", include_in_schema=False)
async def show_change(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    target: Annotated[str, QueryParameter(max_length=36)] = "",
) -> Response[str]:
    """The form for one of the caller's targets. Raises Problem."""
    wanted = _target(target)
    found = next((each for each in await list_targets(gateway.db, caller.id) if each.id == wanted), None)
    if found is None:
        raise not_found("target of yours")
    return await page(request, gateway, caller, "notification_change.html", target=found, events=EVENTS)


@post(f"{_HERE}/change", include_in_schema=False, status_code=303)
async def change_notification(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway
) -> Response[None]:
    """Change which news a target gets, or switch it off. Raises Problem."""
    form = await read_form(request)
    chosen = form.all("events")
    if not set(chosen) <= set(EVENTS):
        raise malformed_problem(t("notifications.no_news"))
    every = len(chosen) == len(EVENTS)
    # If nothing is chosen, nothing is sent, not everything.
    wanted = TargetChange(
        events=None if every or not chosen else cast("tuple[NewsEvent, ...]", chosen),
        enabled=bool(chosen) and form.line("enabled") == "on",
    )
    await changed_target(gateway, caller, _target(form.line("target")), wanted)
    return go(_HERE)


def _target(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise malformed_problem(t("notifications.no_target")) from error


@post(f"{_HERE}/remove", include_in_schema=False, status_code=303)
async def remove_notification(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway
) -> Response[None]:
    """Remove a target. Raises Problem."""
    form = await read_form(request)
    await removed_target(gateway, caller, _target(form.line("target")))
    return go(_HERE)


@post(f"{_HERE}/test", include_in_schema=False, status_code=303)
async def test_notification(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway
) -> Response[None]:
    """Have a test sent to a target; the page shows how it went. Raises Problem."""
    form = await read_form(request)
    await tested_target(gateway, caller, _target(form.line("target")))
    return go(_HERE)


@post(f"{_HERE}/retry", include_in_schema=False, status_code=303)
async def retry_notification(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway
) -> Response[None]:
    """Send a message again. Raises Problem."""
    await retried_dead_letter(gateway, caller, (await read_form(request)).number("letter") or 0)
    return go(_HERE)


async def _page(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    *,
    made: NewTarget | None = None,
    problem: Problem | None = None,
    values: dict[str, Any] | None = None,
) -> Response[str]:
    return await page(
        request,
        gateway,
        caller,
        "notifications.html",
        status=problem.status if problem else 200,
        targets=await list_targets(gateway.db, caller.id),
        tests=await latest_tests(gateway.db, caller.id),
        late_ms=now_ms() - _LATE_MS,
        letters=await dead_letters(gateway.db, recipient=caller.id, limit=_LETTERS),
        events=EVENTS,
        made=made,
        problem=problem_words(problem) if problem else None,
        values=values or {"kind": "apprise", "url": "", "events": ()},
    )
