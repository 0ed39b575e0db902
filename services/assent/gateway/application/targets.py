"""Where the caller is notified, and messages that could not be delivered (R17)."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, not_found
from assent.targets.dead_letters import retry_dead_letter
from assent.targets.news import NewsEvent
from assent.targets.own_targets import (
    NewTarget,
    TargetView,
    add_target,
    change_target,
    notified,
    remove_target,
)
from assent.targets.target_tests import (
    TESTS_WITHIN_S,
    AskedTest,
    NoTestError,
    ask_for_test,
    latest_tests,
)
from assent.targets.urls import URL_MAX_CHARS, TargetKind, TargetRefusedError


class WantedTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target for notifications."""

    kind: Annotated[TargetKind, msgspec.Meta(description="apprise: mail and chat; webhook: signed JSON.")]
    url: Annotated[
        str, msgspec.Meta(max_length=URL_MAX_CHARS, description="A secret: it is never shown again.")
    ]
    events: Annotated[
        tuple[NewsEvent, ...] | None, msgspec.Meta(description="Which news to send; absent for all.")
    ] = None


class TargetChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to a target. Absent fields stay as they are."""

    events: Annotated[
        tuple[NewsEvent, ...] | UnsetType | None,
        msgspec.Meta(description="Which news to send; null for all."),
    ] = UNSET
    enabled: Annotated[
        bool | UnsetType,
        msgspec.Meta(description="Whether anything is sent there."),
    ] = UNSET


async def notified_people(gateway: Gateway, accounts: Iterable[str]) -> list[str]:
    """R17: those accounts whose person is notified, at any of their accounts, of what they can approve."""
    principals = gateway.log.governance.principals
    person_of = {name: principals[name].person for name in accounts if name in principals}
    theirs = [each.id for each in principals.values() if each.person in person_of.values()]
    reached = {principals[name].person for name in await notified(gateway.db, theirs, "needs-approval")}
    return [name for name, person in person_of.items() if person in reached]


async def added_target(gateway: Gateway, caller: Caller, wanted: WantedTarget) -> NewTarget:
    """The new target. Raises Problem with the reason's code."""
    try:
        async with gateway.db.acquire() as connection:
            return await add_target(
                connection,
                caller.id,
                wanted.kind,
                wanted.url,
                events=wanted.events,
                allow_private=gateway.settings.private_targets,
            )
    except TargetRefusedError as error:
        raise _refused(error) from error


def _refused(error: TargetRefusedError) -> Problem:
    return Problem(422, error.reason, str(error), todo="Use another target, or correct this one.")


async def changed_target(gateway: Gateway, caller: Caller, target: UUID, wanted: TargetChange) -> TargetView:
    """The changed target. Raises Problem: not-found, or with the reason's code."""
    try:
        found = await change_target(
            gateway.db, caller.id, target, events=wanted.events, enabled=wanted.enabled
        )
    except TargetRefusedError as error:
        raise _refused(error) from error
    if found is None:
        raise not_found("target of yours")
    return found


async def removed_target(gateway: Gateway, caller: Caller, target: UUID) -> None:
    """Remove one of the caller's targets. Raises Problem: not-found."""
    if not await remove_target(gateway.db, caller.id, target):
        raise not_found("target of yours")


async def tested_target(gateway: Gateway, caller: Caller, target: UUID) -> AskedTest:
    """Have a test sent to one of the caller's targets.

    Raises Problem: not-found, target-off, too-many-tests.
    """
    try:
        async with gateway.db.acquire() as connection:
            test = await ask_for_test(connection, caller.id, target)
    except NoTestError as error:
        if error.reason == "target-off":
            raise Problem(409, error.reason, str(error), todo="Switch it on, then test it.") from error
        raise Problem(
            429,
            error.reason,
            str(error),
            todo="Wait a minute, then test it again.",
            headers={"Retry-After": str(TESTS_WITHIN_S)},
        ) from error
    if test is None:
        raise not_found("target of yours")
    return test


async def latest_test(gateway: Gateway, caller: Caller, target: UUID) -> AskedTest:
    """How the latest test of one of the caller's targets went. Raises Problem: not-found."""
    found = (await latest_tests(gateway.db, caller.id)).get(target)
    if found is None:
        raise not_found("test of a target of yours within a day")
    return found


async def retried_dead_letter(gateway: Gateway, caller: Caller, letter: int) -> None:
    """Send one of the caller's dead letters again. Raises Problem: not-found."""
    async with gateway.db.acquire() as connection:
        if not await retry_dead_letter(connection, letter, recipient=caller.id):
            raise not_found("undelivered message of yours")
