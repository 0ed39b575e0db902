"""Several appliers: the first to claim applies. And an applier that receives its role late."""

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.handover import Folders, applying, demo_governance, dispatching, events_of
from tests.support.log import Actor, Log, fresh_log


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("keys")
    governance = demo_governance(folder / "g.toml", appliers=("applier", "second"))
    return await fresh_log(running.bootstrap, folder, governance=governance)


async def test_with_two_applier_principals_one_wins_each_change(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    one, two = Folders.of(tmp_path, "one"), Folders.of(tmp_path, "two")
    async with (
        dispatching(log, follower),
        applying(log, follower, one) as first,
        applying(log, follower, two, principal="second") as second,
    ):
        requests = await asyncio.gather(*(actor.released(f"script/both-{n}") for n in range(10)))
        for request in requests:
            results = await asyncio.gather(
                first.of(request.request, "succeeded", "not-claimed", "not-open"),
                second.of(request.request, "succeeded", "not-claimed", "not-open"),
            )
            assert sorted(each.result == "succeeded" for each in results) == [False, True]
            assert (await events_of(log, follower, request.request)).count("change-claimed") == 1
    files = [path.name for folders in (one, two) for path in (folders.target / "script").glob("*")]
    assert sorted(files) == sorted(f"both-{n}" for n in range(10))


async def test_two_appliers_of_one_principal_share_the_work(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    one, two = Folders.of(tmp_path, "one"), Folders.of(tmp_path, "two")
    async with (
        dispatching(log, follower),
        applying(log, follower, one, group="shared") as first,
        applying(log, follower, two, group="shared") as second,
    ):
        requests = await asyncio.gather(*(actor.released(f"script/shared-{n}") for n in range(10)))
        for request in requests:
            either = [asyncio.create_task(each.of(request.request, "succeeded")) for each in (first, second)]
            _, pending = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
    files = [path.name for folders in (one, two) for path in (folders.target / "script").glob("*")]
    assert sorted(files) == sorted(f"shared-{n}" for n in range(10))


async def test_applier_without_the_role_claims_nothing_and_applies_nothing(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with (
        dispatching(log, follower),
        applying(log, follower, folders, principal="device-config") as applier,
    ):
        request = await actor.released("script/without-the-role")
        handled = await applier.of(request.request, "other-type")
    assert handled.detail == "device-config has not the role applier for the type script."
    assert (await events_of(log, follower, request.request))[-1] == "change-released"
    assert not (folders.target / "script").exists()
