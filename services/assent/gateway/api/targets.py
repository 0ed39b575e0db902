"""/api/v1/notifications: where the caller is notified, and messages that could not be delivered (R17)."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.params import PathParameter, QueryParameter

from assent.gateway.application.targets import (
    TargetChange,
    WantedTarget,
    added_target,
    changed_target,
    latest_test,
    removed_target,
    retried_dead_letter,
    tested_target,
)
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.request_bodies import TAKES, read_body
from assent.targets.dead_letters import DeadLetter, dead_letters
from assent.targets.own_targets import NewTarget, TargetView, list_targets
from assent.targets.target_tests import AskedTest

_LETTERS = 100
_Letter = Annotated[int, PathParameter(ge=1, le=(1 << 63) - 1)]


class Targets(msgspec.Struct, frozen=True):
    """The caller's targets, oldest first."""

    targets: list[TargetView]


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """Undelivered messages, newest first. `next`: the `before` of the next page."""

    letters: list[DeadLetter]
    next: int | None


@get("/notifications/targets", operation_id="listTargets")
async def list_own(caller: Caller, gateway: Gateway) -> Targets:
    """List the caller's notification targets."""
    return Targets(await list_targets(gateway.db, caller.id))


@post("/notifications/targets", operation_id="addTarget", opt={TAKES: WantedTarget}, status_code=201)
async def add_own_target(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> NewTarget:
    """Add a notification target. A webhook's secret is shown only this once."""
    return await added_target(gateway, caller, await read_body(request, WantedTarget))


@patch("/notifications/targets/{target:uuid}", operation_id="changeTarget", opt={TAKES: TargetChange})
async def change_own_target(
    request: Request[Any, Any, Any],
    target: Annotated[UUID, PathParameter()],
    caller: Caller,
    gateway: Gateway,
) -> TargetView:
    """Choose which news a target gets, or switch it off."""
    return await changed_target(gateway, caller, target, await read_body(request, TargetChange))


@delete("/notifications/targets/{target:uuid}", operation_id="removeTarget", status_code=204)
async def remove(target: Annotated[UUID, PathParameter()], caller: Caller, gateway: Gateway) -> None:
    """Remove a target."""
    await removed_target(gateway, caller, target)


@post("/notifications/targets/{target:uuid}/test", operation_id="testTarget", status_code=202)
async def test(target: Annotated[UUID, PathParameter()], caller: Caller, gateway: Gateway) -> AskedTest:
    """Have a test message sent to one of one's places, as all messages are sent; it is tried once."""
    return await tested_target(gateway, caller, target)


@get("/notifications/targets/{target:uuid}/test", operation_id="getTargetTest")
async def show_test(target: Annotated[UUID, PathParameter()], caller: Caller, gateway: Gateway) -> AskedTest:
    """How the latest test of one of one's places went. It is kept for a day."""
    return await latest_test(gateway, caller, target)


@get("/notifications/dead", operation_id="listDeadLetters")
async def list_dead(
    caller: Caller,
    gateway: Gateway,
    before: Annotated[int | None, QueryParameter(ge=1, le=(1 << 63) - 1)] = None,
) -> DeadLetters:
    """List the messages that could not be delivered to the caller's targets."""
    letters = await dead_letters(gateway.db, recipient=caller.id, before=before, limit=_LETTERS)
    return DeadLetters(letters=letters, next=letters[-1].id if len(letters) == _LETTERS else None)


@post("/notifications/dead/{letter:int}/retry", operation_id="retryDeadLetter", status_code=204)
async def retry(letter: _Letter, caller: Caller, gateway: Gateway) -> None:
    """Send a message again, with as many attempts as a new one."""
    await retried_dead_letter(gateway, caller, letter)


TARGETS = (list_own, add_own_target, change_own_target, remove, test, show_test, list_dead, retry)
