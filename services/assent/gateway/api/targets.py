"""/api/v1/notifications: where the caller hears of what waits for them, and what did not arrive (R17)."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, delete, get, patch, post
from litestar.params import PathParameter, QueryParameter
from msgspec import UNSET, UnsetType

from assent.gateway.api.bodies import TAKES, read_body
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.problems import Problem, not_found
from assent.targets.dead_letters import DeadLetter, dead_letters, retry_dead_letter
from assent.targets.news import NewsEvent
from assent.targets.own import NewTarget, TargetView, add_target, change_target, list_targets, remove_target
from assent.targets.urls import URL_MAX_CHARS, TargetKind, TargetRefusedError

_LETTERS = 100
_Letter = Annotated[int, PathParameter(ge=1, le=(1 << 63) - 1)]


class WantedTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place to hear of things."""

    kind: Annotated[TargetKind, msgspec.Meta(description="apprise: mail and chat; webhook: signed JSON.")]
    url: Annotated[
        str, msgspec.Meta(max_length=URL_MAX_CHARS, description="A secret: it is never shown again.")
    ]
    events: Annotated[
        tuple[NewsEvent, ...] | None, msgspec.Meta(description="Which news; absent for all of them.")
    ] = None


class TargetChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise about a place; what is absent stays."""

    events: Annotated[
        tuple[NewsEvent, ...] | UnsetType | None,
        msgspec.Meta(description="Which news; null for all of them."),
    ] = UNSET
    enabled: Annotated[
        bool | UnsetType,
        msgspec.Meta(description="Whether anything is sent there."),
    ] = UNSET


class Targets(msgspec.Struct, frozen=True):
    """The caller's targets, the oldest first."""

    targets: list[TargetView]


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """What did not arrive, the newest first; `next`: the `before` of the page after this one."""

    letters: list[DeadLetter]
    next: int | None


@get("/notifications/targets", operation_id="listTargets")
async def list_own(caller: Caller, door: Door) -> Targets:
    """List where one hears of things."""
    return Targets(await list_targets(door.db, caller.id))


@post("/notifications/targets", operation_id="addTarget", opt={TAKES: WantedTarget}, status_code=201)
async def add(request: Request[Any, Any, Any], caller: Caller, door: Door) -> NewTarget:
    """Hear of things at one more place; a webhook's secret is shown this once."""
    return await added(door, caller, await read_body(request, WantedTarget))


async def added(door: Door, caller: Caller, wanted: WantedTarget) -> NewTarget:
    """The target that was made. Raises Problem with the reason's code."""
    try:
        async with door.db.acquire() as connection:
            return await add_target(
                connection,
                caller.id,
                wanted.kind,
                wanted.url,
                events=wanted.events,
                allow_private=door.settings.private_targets,
            )
    except TargetRefusedError as error:
        raise _refused(error) from error


def _refused(error: TargetRefusedError) -> Problem:
    return Problem(422, error.reason, str(error), todo="Give another target, or correct this one.")


@patch("/notifications/targets/{target:uuid}", operation_id="changeTarget", opt={TAKES: TargetChange})
async def change(
    request: Request[Any, Any, Any], target: Annotated[UUID, PathParameter()], caller: Caller, door: Door
) -> TargetView:
    """Choose which news go to one of one's places, or let it rest."""
    return await changed(door, caller, target, await read_body(request, TargetChange))


async def changed(door: Door, caller: Caller, target: UUID, wanted: TargetChange) -> TargetView:
    """The target as it is now. Raises Problem: not-found, or with the reason's code."""
    try:
        found = await change_target(door.db, caller.id, target, events=wanted.events, enabled=wanted.enabled)
    except TargetRefusedError as error:
        raise _refused(error) from error
    if found is None:
        raise not_found("target of yours")
    return found


@delete("/notifications/targets/{target:uuid}", operation_id="removeTarget", status_code=204)
async def remove(target: Annotated[UUID, PathParameter()], caller: Caller, door: Door) -> None:
    """Hear of nothing more there."""
    if not await remove_target(door.db, caller.id, target):
        raise not_found("target of yours")


@get("/notifications/dead", operation_id="listDeadLetters")
async def list_dead(
    caller: Caller,
    door: Door,
    before: Annotated[int | None, QueryParameter(ge=1, le=(1 << 63) - 1)] = None,
) -> DeadLetters:
    """List what did not arrive at one's own targets."""
    letters = await dead_letters(door.db, recipient=caller.id, before=before, limit=_LETTERS)
    return DeadLetters(letters=letters, next=letters[-1].id if len(letters) == _LETTERS else None)


@post("/notifications/dead/{letter:int}/retry", operation_id="retryDeadLetter", status_code=204)
async def retry(letter: _Letter, caller: Caller, door: Door) -> None:
    """Have it sent again, with as many attempts as a new one."""
    await retried(door.db, caller, letter)


async def retried(db: asyncpg.Pool, caller: Caller, letter: int) -> None:
    """Send one of the caller's dead letters again. Raises Problem: not-found."""
    async with db.acquire() as connection:
        if not await retry_dead_letter(connection, letter, recipient=caller.id):
            raise not_found("message of yours that did not arrive")


TARGETS = (list_own, add, change, remove, list_dead, retry)
