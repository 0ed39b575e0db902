"""An applier claims only what its account may apply."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.governance_changes import AssignRole
from assent_contracts.governance_objects import RoleAssignment
from tests.support.containers import Endpoints
from tests.support.governor import governing
from tests.support.handover import Folders, applying, demo_governance, dispatching, events_of
from tests.support.log import APPLIER, UPSTREAM, Actor, Log, fresh_log
from tests.support.stack import until

SECOND = "second"


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Log]:
    folder = tmp_path_factory.mktemp("keys")
    governance = demo_governance(folder / "g.toml", appliers=(APPLIER, SECOND))
    text = governance.read_text()
    of_role = "['applier', 'second']"
    narrowed = text.replace(of_role, f'{of_role}\nresource_types = ["app"]')
    assert narrowed != text, of_role
    governance.write_text(narrowed)
    yield await fresh_log(running.bootstrap, folder, governance=governance)


async def test_change_without_the_role_is_left_alone_and_applied_once_the_role_is_there(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    async with (
        dispatching(log, follower),
        applying(log, follower, Folders.of(tmp_path)) as applier,
        governing(log, follower) as governor,
    ):
        request = await actor.released("script/not-yet")
        left = await applier.of(request.request)
        assert (left.result, left.detail) == (
            "other-type",
            "applier does not have the role applier for the type script.",
        )
        assert (await events_of(log, follower, request.request))[-1] == "change-released"
        role = RoleAssignment(
            id="also-scripts", role="applier", principals=(APPLIER,), resource_types=("script",)
        )
        decided = await governor.change(AssignRole(assignment=role))
        assert decided.refusal is None, decided.refusal
        await applier.of(request.request, "succeeded")
    assert "refused" not in applier.results()


async def test_change_that_was_left_alone_is_applied_if_the_role_came_while_the_applier_was_down(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    """Its position is past the change."""
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), governing(log, follower) as governor:
        request = await actor.released("script/while-down")
        async with applying(log, follower, folders, principal=SECOND) as applier:
            await applier.of(request.request, "other-type")
            async with asyncio.timeout(30):
                while not any(b"position" in each.read_bytes() for each in folders.state.glob("*/journal")):
                    await asyncio.sleep(0.1)
        role = RoleAssignment(
            id="scripts-too", role="applier", principals=(SECOND,), resource_types=("script",)
        )
        assigned = await governor.change(AssignRole(assignment=role))
        assert assigned.refusal is None, assigned.refusal
        async with applying(log, follower, folders, principal=SECOND) as applier:
            await applier.of(request.request, "succeeded")


async def test_applier_without_any_role_is_not_ready_and_says_what_to_do_until_it_has_one(
    log: Log, follower: GovernanceFollower, tmp_path: Path
) -> None:
    async with (
        governing(log, follower) as governor,
        applying(log, follower, Folders.of(tmp_path), principal=UPSTREAM) as applier,
    ):
        assert applier.missing[-1] == (
            f"The account {UPSTREAM} does not have the role applier for any type. Ask an administrator to"
            " assign it."
        )
        role = RoleAssignment(
            id="upstream-too", role="applier", principals=(UPSTREAM,), resource_types=("app",)
        )
        decided = await governor.change(AssignRole(assignment=role))
        assert decided.refusal is None, decided.refusal

        async def ready() -> bool:
            return applier.missing[-1] is None

        await until(ready)


async def test_applier_with_another_secret_is_not_ready(
    log: Log, follower: GovernanceFollower, tmp_path: Path
) -> None:
    right = log.keys[APPLIER]
    log.keys[APPLIER] = SecretKey(right.id, APPLIER)
    try:
        async with applying(log, follower, Folders.of(tmp_path)) as applier:
            assert applier.missing[-1] is not None
            assert applier.missing[-1].startswith(f"The key file has another secret than the key {right.id}")
    finally:
        log.keys[APPLIER] = right
