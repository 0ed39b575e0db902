"""The life of a request on the real broker, from submission to outcome."""

from assent_contracts.events import (
    ApprovalGiven,
    ChangeClaimed,
    ChangeReleased,
    RequestApproved,
    RequestCompleted,
)
from assent_contracts.refusals import RefusalCode
from tests.support.log import Actor


async def test_R1_R12_change_is_released_only_after_approval_and_completed_after_the_report(
    actor: Actor,
) -> None:
    request = await actor.opened("script/life.ps1")
    early = await actor.complete(request)
    assert early.refusal is not None
    assert early.refusal.code is RefusalCode.NOT_APPROVED
    approved = await actor.approve(request, "bob", note="Looks right.")
    assert [type(event) for event in approved.events] == [ApprovalGiven, RequestApproved]
    assert isinstance((await actor.complete(request)).events[0], ChangeReleased)
    assert isinstance((await actor.claim(request)).events[0], ChangeClaimed)
    assert isinstance((await actor.report(request)).events[0], RequestCompleted)


async def test_R9_requester_cannot_approve_own_request_from_second_account(actor: Actor) -> None:
    request = await actor.opened("script/own.ps1", principal="alice")
    for account in ("alice", "alice-admin"):
        decided = await actor.approve(request, account)
        assert decided.refusal is not None
        assert decided.refusal.code is RefusalCode.OWN_REQUEST


async def test_R10_second_request_for_an_object_is_refused_and_names_the_open_one(actor: Actor) -> None:
    request = await actor.opened("script/locked.ps1")
    second = await actor.submit("script/locked.ps1")
    assert second.refusal is not None
    assert second.refusal.code is RefusalCode.RESOURCE_LOCKED
    assert second.refusal.open_request == request.request


async def test_quorum_counts_distinct_people(actor: Actor) -> None:
    request = await actor.opened("app/editor", payload=b'{"version": 3}')
    first = await actor.approve(request, "bob")
    assert [type(event) for event in first.events] == [ApprovalGiven]
    again = await actor.approve(request, "bob")
    assert again.refusal is not None
    assert again.refusal.code is RefusalCode.ALREADY_DECIDED
    second = await actor.approve(request, "dave")
    assert [type(event) for event in second.events] == [ApprovalGiven, RequestApproved]
