"""A lease that ends without an outcome: nothing more is applied, and what is known is reported."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release
from tests.support.containers import Endpoints
from tests.support.handover import Folders, applying, demo_governance, dispatching, events_of, killed_at
from tests.support.log import Actor, Log, fresh_log
from tests.support.stack import until


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Log]:
    folder = tmp_path_factory.mktemp("keys")
    yield await fresh_log(
        running.bootstrap, folder, governance=demo_governance(folder / "g.toml", lease="1s")
    )


@pytest.mark.parametrize(
    ("step", "end"),
    [
        ("claim decided", "request-failed"),
        ("file written", "request-completed"),
        ("mark written", "request-completed"),
        ("report made", "request-completed"),
    ],
)
async def test_applier_whose_lease_ended_while_it_was_down_reports_what_it_knows(
    step: str, end: str, *, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    name = step.replace(" ", "-")
    async with dispatching(log, follower):
        request = await actor.released(f"script/lease-{name}")
        await killed_at(step, log=log, folders=folders)
        await _unknown(log, follower, request.request)
        async with applying(log, follower, folders) as applier:
            handled = await applier.of(request.request, "succeeded", "failed")
    assert (await events_of(log, follower, request.request))[-2:] == ["outcome-unknown", end]
    assert (folders.target / "script" / f"lease-{name}").exists() == (end == "request-completed")
    if end == "request-failed":
        assert handled.detail == "Nothing was changed: the lease ended before the applier began."


async def test_change_with_an_ended_lease_and_an_unknown_result_is_left_unknown_and_not_applied(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)

    async def never(_: Release) -> None:
        raise AssertionError

    async with dispatching(log, follower):
        request = await actor.released("script/nobody-can-tell")
        await killed_at("begun", log=log, folders=folders)
        await _unknown(log, follower, request.request)
        async with applying(log, follower, folders, handler=never) as applier:
            await applier.of(request.request, "unknown")
    assert (await events_of(log, follower, request.request))[-1] == "outcome-unknown"
    assert not (folders.target / "script").exists()


async def test_handler_that_does_not_return_before_the_lease_ends_is_cancelled_and_the_outcome_is_unknown(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    cancelled = asyncio.Event()

    async def hang(_: Release) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with dispatching(log, follower):
        request = await actor.released("script/hangs")
        async with applying(log, follower, Folders.of(tmp_path), handler=hang) as applier:
            handled = await applier.of(request.request, "unknown")
    assert cancelled.is_set()
    assert handled.detail == "The applier's handler did not return before its time was over."
    assert (await events_of(log, follower, request.request))[-1] == "outcome-unknown"


async def test_handler_that_raises_anything_else_is_reported_as_unknown_with_the_exception_s_name_only(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    async def broken(_: Release) -> None:
        raise ZeroDivisionError("so far and no further")

    async with dispatching(log, follower):
        request = await actor.released("script/broken")
        async with applying(log, follower, Folders.of(tmp_path), handler=broken) as applier:
            handled = await applier.of(request.request, "unknown")
    assert handled.detail == "The applier's handler raised ZeroDivisionError. Its log has the details."
    assert (await events_of(log, follower, request.request))[-1] == "outcome-unknown"


async def _unknown(log: Log, follower: GovernanceFollower, request: str) -> None:
    async def unknown() -> bool:
        return "outcome-unknown" in await events_of(log, follower, request)

    await until(unknown)
