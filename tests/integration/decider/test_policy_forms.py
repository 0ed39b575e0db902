"""Policies of other forms than the demo's, on the real log: automatic completion, and two rejections."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from assent.store.pool import open_pool
from assent.store.queries import RequestView, show_request
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import Decided
from assent_contracts.events import (
    ApprovalGiven,
    ChangeReleased,
    ChangeSubmitted,
    RejectionGiven,
    RequestApproved,
    RequestRejected,
)
from assent_contracts.refusals import RefusalCode
from tests.support.containers import Endpoints
from tests.support.extended_demo import demo_with, policy_table
from tests.support.governor import assert_verified
from tests.support.handover import Folders, applying, dispatching, events_of
from tests.support.log import Actor, Log
from tests.support.readers import SPECS, reading
from tests.support.stack import migrated_database, until

KIOSKS = policy_table(
    "kiosk",
    'completion = "automatic"',
    approvals='{ quorum = 2, groups = ["security"] }, { groups = ["endpoint-admins"] }',
)
"""Two from security and an endpoint administrator; the last approval releases."""
BADGES = policy_table("badge", "rejections = 2")
"""Any endpoint administrator approves, and two rejections end it; alice has two accounts among them."""


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The demo's log, with a policy of each form."""
    return await demo_with(running.bootstrap, tmp_path_factory.mktemp("keys"), KIOSKS, BADGES)


@pytest_asyncio.fixture
async def dsn(running: Endpoints) -> str:
    """A migrated database of the test's own."""
    return await migrated_database(running.dsn, "policy_forms")


def refused(decided: Decided) -> RefusalCode:
    assert decided.refusal is not None, decided.events
    return decided.refusal.code


# completion = "automatic"


async def test_R12_last_approval_releases_and_the_applier_receives_the_change(
    actor: Actor, log: Log, follower: GovernanceFollower, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        request = await actor.opened("kiosk/lobby", payload=b'{"url": "https://lobby"}')
        [first] = (await actor.approve(request, "dave")).events
        assert isinstance(first, ApprovalGiven)
        assert applier.handled == []
        given, approved, released = (await actor.approve(request, "bob")).events
        handled = await applier.of(request.request)
    assert isinstance(given, ApprovalGiven)
    assert isinstance(approved, RequestApproved)
    assert isinstance(released, ChangeReleased)
    assert (released.resource, released.digest) == (request.resource, request.digest)
    assert handled.result == "succeeded"
    assert (folders.target / "kiosk" / "lobby").read_bytes() == b'{"url": "https://lobby"}'
    assert await events_of(log, follower, request.request) == [
        "change-submitted",
        "approval-given",
        "approval-given",
        "request-approved",
        "change-released",
        "change-claimed",
        "request-completed",
    ]


async def test_R12_nobody_completes_what_the_last_approval_has_released(actor: Actor) -> None:
    request = await actor.opened("kiosk/desk", payload=b"{}")
    assert refused(await actor.complete(request)) is RefusalCode.NOT_APPROVED
    await actor.approve(request, "dave")
    await actor.approve(request, "bob")
    assert refused(await actor.complete(request)) is RefusalCode.ALREADY_DECIDED
    assert refused(await actor.revoke(request, "bob")) is RefusalCode.NOT_PENDING
    assert (await actor.claim(request)).refusal is None


async def test_R12_requester_completes_where_the_policy_does_not_say_otherwise(actor: Actor) -> None:
    request = await actor.opened("badge/completed", payload=b"{}")
    assert isinstance((await actor.approve(request, "bob")).events[-1], RequestApproved)
    assert isinstance((await actor.complete(request)).events[0], ChangeReleased)


async def test_R16_request_keeps_the_form_of_its_policy(actor: Actor) -> None:
    kiosk, badge = [await actor.opened(f"{kind}/terms", payload=b"{}") for kind in ("kiosk", "badge")]
    [kiosks], [badges] = kiosk.terms, badge.terms
    assert (kiosks.completion, kiosks.rejections) == ("automatic", 1)
    assert kiosks.rules == (
        ApprovalRule(quorum=2, groups=("security",)),
        ApprovalRule(groups=("endpoint-admins",)),
    )
    assert (badges.completion, badges.rejections) == ("requester", 2)


# rejections = 2


async def shown(db: asyncpg.Pool, request: ChangeSubmitted, rejections: int) -> RequestView:
    """The request as people see it, once it has this many rejections."""

    async def is_there() -> bool:
        row = await show_request(db, request.request)
        return row is not None and len(row.rejections) == rejections

    await until(is_there)
    row = await show_request(db, request.request)
    assert row is not None
    return row


async def test_R8_R13_one_of_two_rejections_is_shown_and_the_second_ends_the_request(
    actor: Actor, log: Log, dsn: str
) -> None:
    pool = await open_pool(dsn, "assent_reader", application="tests")
    try:
        async with reading(SPECS["status"], log, dsn, "test-policy-forms"):
            request = await actor.opened("badge/visitor", payload=b"{}")
            [first] = (await actor.reject(request, "bob", note="Why?")).events
            assert first == RejectionGiven(request=request.request, approver="bob", person="bob.ortega")
            row = await shown(pool, request, 1)
            assert (row.status, row.rejecter) == ("needs_approval", None)
            assert [(each.approver, each.note) for each in row.rejections] == [("bob", "Why?")]
            second, end = (await actor.reject(request, "carol", note="No.")).events
            assert isinstance(second, RejectionGiven)
            assert end == RequestRejected(request=request.request, approver="carol")
            row = await shown(pool, request, 2)
            assert (row.status, row.rejecter, row.rejection_note) == ("rejected", "carol", "No.")
            assert [(each.person, each.note) for each in row.rejections] == [
                ("bob.ortega", "Why?"),
                ("carol.chen", "No."),
            ]
    finally:
        await pool.close()
    assert refused(await actor.approve(request, "alice")) is RefusalCode.NOT_PENDING


async def test_R9_person_with_two_accounts_rejects_once(actor: Actor) -> None:
    request = await actor.opened("badge/twice", payload=b"{}")
    assert [type(event) for event in (await actor.reject(request, "alice")).events] == [RejectionGiven]
    assert refused(await actor.reject(request, "alice")) is RefusalCode.ALREADY_DECIDED
    assert refused(await actor.reject(request, "alice-admin")) is RefusalCode.ALREADY_DECIDED
    assert refused(await actor.approve(request, "alice-admin")) is RefusalCode.ALREADY_DECIDED
    ends = (await actor.reject(request, "bob")).events
    assert [type(event) for event in ends] == [RejectionGiven, RequestRejected]


async def test_R13_two_rejections_at_the_same_moment_end_the_request_once(actor: Actor) -> None:
    request = await actor.opened("badge/together", payload=b"{}")
    decided = await asyncio.gather(*(actor.reject(request, name) for name in ("alice", "bob", "carol")))
    in_order = sorted(decided, key=lambda each: each.seq)
    assert [[type(event) for event in each.events] for each in in_order] == [
        [RejectionGiven],
        [RejectionGiven, RequestRejected],
        [],
    ]
    assert refused(in_order[2]) is RefusalCode.NOT_PENDING


async def test_R13_object_of_a_rejected_request_can_be_requested_again(actor: Actor) -> None:
    """R10: a request with one of two rejections is open and locks its object; one with two does not."""
    request = await actor.opened("badge/again", payload=b"{}")
    await actor.reject(request, "bob")
    assert refused(await actor.submit("badge/again", payload=b"{}")) is RefusalCode.RESOURCE_LOCKED
    await actor.reject(request, "carol")
    await actor.opened("badge/again", payload=b"{}")


async def test_R13_request_with_one_rejection_can_still_be_approved(actor: Actor) -> None:
    request = await actor.opened("badge/after-all", payload=b"{}")
    await actor.reject(request, "bob")
    assert isinstance((await actor.approve(request, "carol")).events[-1], RequestApproved)
    assert (await actor.complete(request)).refusal is None


async def test_R16_all_of_it_is_decided_again_the_same_way(log: Log, follower: GovernanceFollower) -> None:
    """Runs last, over everything that the tests before it left on both ledgers."""
    await assert_verified(log, follower)
