"""A lease that ends without an outcome: nothing more is applied, and what is known is reported."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release, UnknownOutcomeError
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Settle
from assent_contracts.events import ChangeSubmitted
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
        ("claim decided", "outcome-unknown"),
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
            await applier.of(request.request, "succeeded", "unknown")
    # An older copy of the state folder looks like that of one that was killed before it began.
    assert (await events_of(log, follower, request.request))[-1] == end
    assert (folders.target / "script" / f"lease-{name}").exists() == (end == "request-completed")


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


async def test_handler_that_works_longer_than_its_lease_has_it_renewed(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    go_on = asyncio.Event()

    async def slow(_: Release) -> None:
        await go_on.wait()

    async with dispatching(log, follower):
        request = await actor.released("script/slow")
        async with applying(log, follower, Folders.of(tmp_path), handler=slow) as applier:
            async with asyncio.timeout(30):
                while (await events_of(log, follower, request.request)).count("lease-renewed") < 3:
                    await asyncio.sleep(0.1)
            go_on.set()
            await applier.of(request.request, "succeeded")
    events = await events_of(log, follower, request.request)
    assert "outcome-unknown" not in events
    assert events[-1] == "request-completed"


@pytest.mark.parametrize("kind", ["coroutine", "thread"])
async def test_handler_that_hangs_is_left_after_its_limit_and_the_outcome_is_unknown(
    kind: str, *, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    cancelled, go_on = asyncio.Event(), threading.Event()

    async def coroutine(_: Release) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def thread(_: Release) -> None:
        go_on.wait()

    handler = coroutine if kind == "coroutine" else thread
    folders = Folders.of(tmp_path)
    try:
        async with dispatching(log, follower):
            request = await actor.released(f"script/hangs-{kind}")
            async with applying(log, follower, folders, handler=handler, time_limit_s=2) as applier:
                handled = await applier.of(request.request, "unknown")
    finally:
        go_on.set()
    assert cancelled.is_set() == (kind == "coroutine")
    assert handled.detail == "The applier's handler did not return before its time was over."
    assert (await events_of(log, follower, request.request))[-1] == "outcome-unknown"


async def test_change_that_people_have_released_again_is_applied_under_another_claim_and_key(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    given: list[Release] = []

    async def unsure_at_first(release: Release) -> None:
        given.append(release)
        if len(given) == 1:
            raise UnknownOutcomeError("The target did not answer.")

    async with dispatching(log, follower):
        request = await actor.released("script/again")
        async with applying(log, follower, Folders.of(tmp_path), handler=unsure_at_first) as applier:
            handled = await applier.of(request.request, "unknown")
            assert handled.detail == "The target did not answer."
            settled = await actor.send(_retry(request))
            assert settled.refusal is None, settled.refusal
            await applier.of(request.request, "succeeded")
    first, second = given
    assert first.claim < second.claim
    assert first.idempotency_key != second.idempotency_key
    assert (await events_of(log, follower, request.request))[-1] == "request-completed"


async def test_applier_that_was_down_leaves_what_people_have_released_again_and_applies_that(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower):
        request = await actor.released("script/again-while-down")
        await killed_at("report made", log=log, folders=folders)
        await _unknown(log, follower, request.request)
        settled = await actor.send(_retry(request))
        assert settled.refusal is None, settled.refusal
        async with applying(log, follower, folders) as applier:
            await applier.of(request.request, "succeeded")
    events = await events_of(log, follower, request.request)
    assert events.count("change-claimed") == 2
    assert events[-1] == "request-completed"


def _retry(request: ChangeSubmitted) -> Settle:
    return Settle(
        id=new_command_id(),
        principal="bob",
        at=now_ms(),
        resource=request.resource,
        request=request.request,
        outcome="retry",
        reason="The target shows nothing of it.",
    )


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
