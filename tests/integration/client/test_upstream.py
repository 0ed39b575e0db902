"""The short way in for an upstream: what is submitted is one request, and is followed to its end."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from assent_contracts.client.assent_connection import RefusedError
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.set_submission import SetChange
from assent_contracts.client.upstream import connect
from assent_contracts.client.upstream_async import AsyncSubmitted, AsyncUpstream, opened
from assent_contracts.commands import SubmitChange
from assent_contracts.events import ChangeSubmitted, RequestApproved
from assent_contracts.ledger import RecordedCommand, decode_recorded_command, decode_refusal
from assent_contracts.refusals import RefusalCode
from tests.support.log import UPSTREAM, Actor, Log, read_ledger
from tests.support.stack import until

PAYLOAD = "echo hello"


@asynccontextmanager
async def connected(log: Log) -> AsyncIterator[AsyncUpstream]:
    async with opened(log.connection, log.identity, log.keys[UPSTREAM]) as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module")
async def upstream(log: Log, actor: Actor) -> AsyncIterator[AsyncUpstream]:
    async with connected(log) as started:
        yield started


async def submitted(upstream: AsyncUpstream, name: str, **fields: Any) -> AsyncSubmitted:
    return await upstream.submit(
        f"script/{name}", "edit", fields.pop("payload", PAYLOAD), justification="It is needed.", **fields
    )


def seen(request: AsyncSubmitted) -> ChangeSubmitted:
    """What an approver sees of it."""
    return ChangeSubmitted(
        request=request.id,
        resource=request.resource,
        operation="edit",
        requester=UPSTREAM,
        person="",
        submission=request.submission,
        digest="",
        terms=(),
        deadline=0,
    )


async def submissions(log: Log, follower: GovernanceFollower, resource: str) -> list[str]:
    """The answers to all submissions for an object, in order: `submitted`, or the code of a refusal."""
    found: list[str] = []
    for accepted in (each for run in (await read_ledger(log, follower)).values() for each in run):
        recorded = decode_recorded_command(accepted.record)
        if not isinstance(recorded, RecordedCommand):
            continue
        if msgspec.json.decode(recorded.value).get("resource") != resource:
            continue
        refusal = accepted.record.refusal
        events = accepted.record.events
        if isinstance(events, msgspec.Raw) and b"submitted" in bytes(events):
            found.append("submitted")
        elif isinstance(refusal, msgspec.Raw):
            found.append(msgspec.json.decode(refusal)["code"])
    return found


async def test_R12_request_that_is_released_already_is_waited_for_by_another_process(
    upstream: AsyncUpstream, actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    request = await submitted(upstream, "resumed")
    assert (await actor.approve(seen(request))).refusal is None
    await request.complete()
    async with connected(log) as later:
        ended = asyncio.create_task((await later.request(request.id)).wait_applied(timeout_s=60))

        async def refused() -> bool:
            answers = await read_ledger(log, follower)
            refusals = [decode_refusal(each.record) for run in answers.values() for each in run]
            return any(each is not None and each.code == RefusalCode.ALREADY_DECIDED for each in refusals)

        # It reads the request from its start, and completes it as it does any other.
        await until(refused)
        assert (await actor.claim(seen(request))).refusal is None
        assert (await actor.report(seen(request))).refusal is None
        assert (await ended).applied


async def test_request_is_followed_from_its_submission_to_its_end(
    upstream: AsyncUpstream, actor: Actor
) -> None:
    request = await submitted(upstream, "followed")
    ended = asyncio.create_task(request.wait_applied(timeout_s=60))
    assert (await actor.approve(seen(request), note="Fine.")).refusal is None
    # Completing is the requester's, so the client has done it.
    await _until(lambda: actor.claim(seen(request)))
    assert (await actor.report(seen(request))).refusal is None
    outcome = await ended
    assert (outcome.status, outcome.applied) == ("completed", True)
    updates = [update async for update in request.follow()]
    assert [(each.status, each.progress) for each in updates] == [
        ("needs_approval", None),
        ("needs_approval", None),
        ("approved", None),
        ("approved", "released"),
        ("approved", "applying"),
        ("completed", None),
    ]
    assert [each.message for each in updates if isinstance(each.event, RequestApproved)] == ["Fine."]


async def test_older_request_is_followed_by_its_id_on_another_connection(
    log: Log, upstream: AsyncUpstream, actor: Actor
) -> None:
    request = await submitted(upstream, "older")
    async with connected(log) as another:
        again = await another.request(request.id)
        assert (again.id, again.submission, again.resource) == (
            request.id,
            request.submission,
            request.resource,
        )
        ended = asyncio.create_task(again.wait_applied(complete=False, timeout_s=60))
        await actor.reject(seen(request), note="Not now.")
        outcome = await ended
    assert (outcome.status, outcome.applied, outcome.message) == ("rejected", False, "Not now.")


async def test_same_id_after_a_crash_is_the_same_request_on_any_connection(
    log: Log, follower: GovernanceFollower, upstream: AsyncUpstream, actor: Actor
) -> None:
    first = await submitted(upstream, "crashed", id="build-1")
    async with connected(log) as after_the_crash:
        again = await submitted(after_the_crash, "crashed", id="build-1")
        assert (again.id, again.submission) == (first.id, first.submission)
        # It is followed although it was submitted before this connection.
        ended = asyncio.create_task(again.wait_applied(timeout_s=60))
        await actor.cancel(seen(first))
        assert (await ended).status == "canceled"
    assert (await submissions(log, follower, first.resource)).count("submitted") == 1


async def test_same_id_and_time_are_the_same_bytes_and_leave_no_refusal(
    log: Log, follower: GovernanceFollower, upstream: AsyncUpstream
) -> None:
    at = now_ms()
    first = await submitted(upstream, "same-bytes", id="build-2", at=at)
    assert (await submitted(upstream, "same-bytes", id="build-2", at=at)).id == first.id
    assert await submissions(log, follower, first.resource) == ["submitted"]


async def test_same_id_for_another_change_is_refused(upstream: AsyncUpstream) -> None:
    await submitted(upstream, "other", id="build-3")
    with pytest.raises(RefusedError) as refused:
        await submitted(upstream, "other", id="build-3", payload="echo other")
    assert refused.value.code is RefusalCode.ID_REUSED


async def test_repeated_command_that_was_refused_is_refused_again_with_the_first_reason(
    upstream: AsyncUpstream,
) -> None:
    await submitted(upstream, "locked")
    at = now_ms()
    for _ in range(2):
        with pytest.raises(RefusedError, match="R10") as refused:
            await submitted(upstream, "locked", id="build-4", at=at)
        assert refused.value.code is RefusalCode.RESOURCE_LOCKED
    with pytest.raises(RefusedError, match="R10"):
        await submitted(upstream, "locked", id="build-4")


async def test_ten_at_once_with_one_id_make_one_request(
    log: Log, follower: GovernanceFollower, upstream: AsyncUpstream
) -> None:
    made = await asyncio.gather(*(submitted(upstream, "ten", id="build-5") for _ in range(10)))
    assert len({each.id for each in made}) == 1
    assert (await submissions(log, follower, "script/ten")).count("submitted") == 1


async def test_refusal_of_a_stale_command_does_not_stick_to_its_id(upstream: AsyncUpstream) -> None:
    with pytest.raises(RefusedError) as refused:
        await submitted(upstream, "stale", id="build-6", at=now_ms() - 48 * 3_600_000)
    assert refused.value.code is RefusalCode.STALE
    assert (await submitted(upstream, "stale", id="build-6")).id


async def test_request_that_ended_is_resubmitted_once_however_often_it_is_asked_for(
    log: Log, follower: GovernanceFollower, upstream: AsyncUpstream, actor: Actor
) -> None:
    first = await submitted(upstream, "again")
    with pytest.raises(RefusedError) as refused:
        await first.resubmit()
    assert refused.value.code is RefusalCode.RESOURCE_LOCKED
    await actor.reject(seen(first))
    # That refusal does not stick, although the command is derived from the request.
    again = await first.resubmit()
    assert again.id != first.id
    assert (await (await upstream.request(first.id)).resubmit()).id == again.id
    assert (await submissions(log, follower, first.resource)).count("submitted") == 2


@pytest.mark.parametrize("request_id", ["0-999999", "99-0", "nonsense"])
async def test_request_that_the_log_does_not_have_is_not_found(
    request_id: str, upstream: AsyncUpstream
) -> None:
    with pytest.raises(LookupError, match=request_id):
        await upstream.request(request_id)


async def test_bytes_are_no_payload_because_they_could_be_meant_in_two_ways(upstream: AsyncUpstream) -> None:
    with pytest.raises(TypeError, match="payload_of_file"):
        await submitted(upstream, "bytes", payload=b'"echo"')


async def test_payload_that_is_json_text_is_kept_byte_for_byte(log: Log, upstream: AsyncUpstream) -> None:
    request = await submitted(upstream, "raw", payload=msgspec.Raw(b'{"b": 1,  "a": 2}'))
    again = await upstream.request(request.id)
    assert isinstance(again.command, SubmitChange)
    assert bytes(again.command.payload) == b'{"b": 1,  "a": 2}'


async def test_without_await_it_is_the_same(log: Log, actor: Actor) -> None:
    environ = {
        **os.environ,
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / f"{UPSTREAM}.key"),
    }
    told: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def program() -> list[str]:
        with connect(environ) as assent:
            request = assent.submit("script/sync", "edit", PAYLOAD, justification="It is needed.")
            loop.call_soon_threadsafe(told.put_nowait, request.id)
            return [update.status for update in request.follow()] + [request.wait_applied().status]

    running = asyncio.create_task(asyncio.to_thread(program))
    request = await asyncio.wait_for(told.get(), 30)
    async with connected(log) as there:
        await actor.reject(seen(await there.request(request)))
    # An approver's one rejection is enough.
    assert await running == ["needs_approval", "needs_approval", "rejected", "rejected"]


async def test_R29_without_await_a_set_is_submitted_with_its_members(log: Log) -> None:
    environ = {
        **os.environ,
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / f"{UPSTREAM}.key"),
    }
    objects = [f"script/sync-member-{number}" for number in range(3)]

    def program() -> tuple[str, list[str], list[str]]:
        with connect(environ) as assent:
            there = assent.submit_set(
                "script/sync-set",
                [SetChange(resource=each, operation="edit", payload=PAYLOAD) for each in objects],
                justification="Together.",
            )
            there.set.cancel()
            statuses = [there.set.wait_applied(complete=False, timeout_s=30).status]
            return there.set.resource, list(there.members), statuses

    assert await asyncio.to_thread(program) == ("script/sync-set", objects, ["canceled"])


async def _until(attempt: Any) -> None:
    """Until a command is not refused any more."""
    async with asyncio.timeout(30):
        while (await attempt()).refusal is not None:
            await asyncio.sleep(0.05)
