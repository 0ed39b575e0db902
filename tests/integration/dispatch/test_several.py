"""Several appliers: the first to claim applies. And an applier that receives its role late."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release
from tests.support.containers import Endpoints
from tests.support.handover import Folders, applying, demo_governance, dispatching, events_of
from tests.support.log import Actor, Log, fresh_log, read_ledger


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


async def test_ten_appliers_race_for_each_change_and_one_applies_it(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    made: list[str] = []

    async def note(release: Release) -> None:
        made.append(release.change.resource)

    async with AsyncExitStack() as racing:
        await racing.enter_async_context(dispatching(log, follower))
        appliers = [
            await racing.enter_async_context(
                applying(log, follower, Folders.of(tmp_path, f"racer-{n}"), handler=note)
            )
            for n in range(10)
        ]
        requests = await asyncio.gather(*(actor.released(f"script/race-{n}") for n in range(3)))
        for request in requests:
            answers = await asyncio.gather(*(each.of(request.request) for each in appliers))
            assert [each.result for each in answers].count("succeeded") == 1
            assert {each.result for each in answers} <= {"succeeded", "not-claimed", "not-open"}
            assert (await events_of(log, follower, request.request)).count("change-claimed") == 1
    assert sorted(made) == ["script/race-0", "script/race-1", "script/race-2"]


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
    assert handled.detail == "device-config does not have the role applier for the type script."
    assert (await events_of(log, follower, request.request))[-1] == "change-released"
    assert not (folders.target / "script").exists()
    commands = [
        each.record.command
        for run in (await read_ledger(log, follower)).values()
        for each in run
        if b"assent.claim.v1" in each.value and b'"principal":"device-config"' in each.value
    ]
    assert not commands, "nothing was refused on the ledger"
