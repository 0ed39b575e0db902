"""R29 on the real broker: a set is released as a whole and reported by object, or frees its objects."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.assent_connection import RefusedError
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.client.set_submission import MemberRefusedError, SetChange, SubmittedSet, submit_set
from assent_contracts.client.upstream_async import AsyncSubmitted, AsyncUpstream, opened
from assent_contracts.commands import Approve
from assent_contracts.refusals import RefusalCode
from tests.support.handover import Folders, applying, dispatching, events_of
from tests.support.log import UPSTREAM, Actor, Log
from tests.support.services import Running, Services
from tests.support.stack import until

MANY = 40


@pytest_asyncio.fixture(scope="module")
async def upstream(log: Log, actor: Actor) -> AsyncIterator[AsyncUpstream]:
    async with opened(log.connection, log.identity, log.keys[UPSTREAM]) as started:
        yield started


def changes(name: str, count: int) -> list[SetChange]:
    return [
        SetChange(resource=f"script/{name}-{n}", operation="edit", payload=f"echo {n}") for n in range(count)
    ]


def coordinator(log: Log, services: Services, instance: str = "") -> Running:
    return services.start("coordinator", instance, ASSENT_KEY_FILE=str(log.folder / "gateway.key"))


def services_of(log: Log, folder: Path) -> Services:
    environ = {"ASSENT_KAFKA": log.connection.bootstrap, "ASSENT_IDENTITY": log.identity}
    return Services(folder, environ)


async def approved(actor: Actor, of: AsyncSubmitted) -> None:
    """bob approves once the members are there."""

    async def holds() -> bool:
        decided = await actor.send(
            Approve(
                id=new_command_id(),
                principal="bob",
                at=now_ms(),
                resource=of.resource,
                request=of.id,
                submission=of.submission,
            )
        )
        assert decided.refusal is None or decided.refusal.code is RefusalCode.SET_INCOMPLETE, decided
        return decided.refusal is None

    await until(holds)


async def ended(members: SubmittedSet[AsyncSubmitted]) -> list[str]:
    return [
        (await each.wait_applied(complete=False, timeout_s=30)).status for each in members.members.values()
    ]


async def test_R29_a_set_is_applied_and_completes_while_coordinators_are_killed(
    log: Log, follower: GovernanceFollower, actor: Actor, upstream: AsyncUpstream, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with (
        services_of(log, tmp_path) as services,
        dispatching(log, follower),
        applying(log, follower, folders),
    ):
        first = coordinator(log, services)
        coordinator(log, services, "-2")
        rollout = await submit_set(
            upstream, "script/rollout", changes("many", MANY), justification="Together or not at all."
        )
        first.kill()
        await approved(actor, rollout.set)
        await rollout.set.complete()
        first.kill()
        last = await rollout.set.wait_applied(complete=False, timeout_s=90)
    assert last.status == "completed"
    assert await ended(rollout) == ["completed"] * MANY
    written = {path.name: path.read_text() for path in (folders.target / "script").iterdir()}
    assert written == {f"many-{n}": f"echo {n}" for n in range(MANY)}
    events = await events_of(log, follower, rollout.set.id)
    assert events[:2] == ["change-submitted", "members-reserved"]
    assert "change-claimed" not in events


async def test_R29_a_set_with_a_locked_object_is_canceled_and_frees_the_others(
    log: Log, actor: Actor, upstream: AsyncUpstream, tmp_path: Path
) -> None:
    held = await actor.opened("script/locked-1")
    async with services_of(log, tmp_path) as services:
        coordinator(log, services)
        with pytest.raises(MemberRefusedError) as refused:
            await submit_set(upstream, "script/fails", changes("locked", 3), justification="Together.")
        assert refused.value.resource == "script/locked-1"
        assert refused.value.refusal.open_request == held.request
        for name in ("script/locked-0", "script/locked-2", "script/fails"):
            await until(lambda name=name: _is_free(upstream, name))


async def test_R29_a_set_that_is_sent_again_is_the_same_set(
    log: Log, actor: Actor, upstream: AsyncUpstream
) -> None:
    ends = now_ms() + 60_000_000
    sent = [
        await submit_set(
            upstream,
            "script/again",
            changes("again", 3),
            justification="Together.",
            id="build-7",
            not_after=ends,
        )
        for _ in range(2)
    ]
    assert sent[0].set.id == sent[1].set.id
    assert [each.id for each in sent[0].members.values()] == [each.id for each in sent[1].members.values()]


async def _is_free(upstream: AsyncUpstream, resource: str) -> bool:
    try:
        request = await upstream.submit(resource, "edit", "echo", justification="Is it free?")
    except RefusedError as refused:
        if refused.code is RefusalCode.RESOURCE_LOCKED:
            return False
        raise
    await request.cancel()
    return True
