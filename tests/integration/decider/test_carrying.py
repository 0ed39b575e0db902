"""A released change to governance is carried out exactly once, whatever happens to the deciders."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio
from msgspec.structs import replace

from assent.decider.governance_takeover import take_over_governance
from assent.decider.release_follower import ReleaseFollower
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import signed_headers
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.events import ChangeSubmitted, RequestCompleted
from assent_contracts.governance_changes import (
    DefineGroup,
    GovernanceChange,
    RegisterPrincipal,
    group_object,
)
from assent_contracts.governance_messages import ChangeGovernance
from assent_contracts.governance_objects import Account
from assent_contracts.ledger import RecordedCommand, decode_recorded_command
from assent_contracts.refusals import RefusalCode
from tests.support.governor import (
    PROPOSER,
    assert_verified,
    carried,
    ended,
    ends,
    governance_of,
    governing,
    released,
)
from tests.support.log import PARTITIONS, Actor, Log, deciding, publishing, read_ledger
from tests.support.stack import until


@pytest_asyncio.fixture(scope="module")
async def actor(log: Log, follower: GovernanceFollower) -> AsyncIterator[Actor]:
    """Acts as any principal; each test has its own deciders."""
    async with publishing(log, follower) as somebody:
        yield somebody


def _members(follower: GovernanceFollower, *members: str) -> GovernanceChange:
    governance = governance_of(follower)
    group = replace(governance.groups["security"], members=members)
    return DefineGroup(group=group, version=governance.version(group_object("security")))


async def test_release_is_carried_out_once_by_deciders_that_come_and_go(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    async with deciding(log, follower, governing=False):
        request = await released(actor, _members(follower, "alice", "bob", "carol", "dave"))
    async with deciding(log, follower, set()):
        # No decider of requests runs: governance alone carries it out.
        await until(_is_carried(follower, request))
    assert await ends(log, follower, request) == []
    lead = await take_over_governance(log.connection, log.identity)
    releases = ReleaseFollower(log.connection, follower, PARTITIONS, lead.releases)
    await releases.start()
    try:
        await releases.news()
    finally:
        await releases.stop()
    assert [release.request for release in lead.releases.waiting()] == [request.request]
    assert list(lead.writer.desk.due(now_ms())) == []
    async with deciding(log, follower):
        assert isinstance(await ended(log, follower, request), RequestCompleted)
        later = await released(actor, _members(follower, "alice", "bob", "carol", "dave", "applier"))
        await ended(log, follower, later)
    assert len(carried(follower, request)) == 1
    assert len(await ends(log, follower, request)) == 1
    assert "alice" in governance_of(follower).groups["security"].members


async def test_release_is_carried_out_once_by_two_deciders_at_a_time(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    async with deciding(log, follower), deciding(log, follower, set()):
        for members in (("bob", "carol", "dave"), ("alice", "bob", "carol", "dave")) * 2:
            request = await released(actor, _members(follower, *members))
            assert isinstance(await ended(log, follower, request), RequestCompleted)
            assert len(carried(follower, request)) == 1
            assert governance_of(follower).groups["security"].members == members


async def test_governance_records_the_submission_as_it_was_signed(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    heard: list[RecordedCommand] = []
    follower.listeners.append(
        lambda record, events: heard.append(decode_recorded_command(record))  # type: ignore[arg-type]
    )
    async with deciding(log, follower):
        request = await released(actor, _members(follower, "bob", "carol", "dave"))
        await ended(log, follower, request)
    follower.listeners.clear()
    partition, seq = (int(part) for part in request.request.split("-"))
    submitted = (await read_ledger(log, follower))[partition][seq].record
    assert heard == [decode_recorded_command(submitted)]


def _is_carried(follower: GovernanceFollower, request: ChangeSubmitted) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return bool(carried(follower, request))

    return holds


async def test_decider_that_takes_over_remembers_commands_but_not_the_submissions_it_carried_out(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    change = RegisterPrincipal(account=Account(id="remembered", kind="service"))
    command = ChangeGovernance(id=new_command_id(), principal=PROPOSER, at=now_ms(), change=change)
    value = encode(command)
    headers = signed_headers(log.keys[PROPOSER], log.identity, command, value, "tests")
    async with governing(log, follower) as governor:
        async with deciding(log, follower):
            first = await governor.publisher.send_bytes(value, headers)
            assert first.refusal is None
            request = await released(actor, _members(follower, "alice", "bob", "carol", "dave"))
            await ended(log, follower, request)
        partition, seq = (int(part) for part in request.request.split("-"))
        submitted = decode_recorded_command((await read_ledger(log, follower))[partition][seq].record)
        assert isinstance(submitted, RecordedCommand)
        same_id = replace(command, id=json.loads(bytes(submitted.value))["id"])
        async with deciding(log, follower):
            again = await governor.publisher.send_bytes(value, headers)
            assert (again.repeated, again.seq, again.events) == (True, first.seq, first.events)
            other = encode(same_id)
            decided = await governor.publisher.send_bytes(
                other, signed_headers(log.keys[PROPOSER], log.identity, same_id, other, "tests")
            )
            assert decided.refusal is not None
            # Its own rule has refused it: the id was not used on this ledger.
            assert decided.refusal.code is RefusalCode.ID_TAKEN


async def test_R16_all_of_it_is_decided_again_the_same_way(log: Log, follower: GovernanceFollower) -> None:
    """Runs last, over everything that the tests before it left on both ledgers."""
    await assert_verified(log, follower)
