"""A form of the console counts once, even if its result was unknown at first."""

from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from tests.support.console import ConsolePage, load, post
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, gateway_of, migrated, projecting
from tests.support.log import Log, deciding
from tests.support.stack import until

_ASKED: Final = {"kind": "text", "type": "script", "operation": "edit", "payload": "x", "justification": "y"}
_WAITS_HALF_A_SECOND: Final = ("assent.gateway.application.command_sending.ANSWER_WITHIN_S", 0.5)


@pytest_asyncio.fixture
async def undecided(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    """A gateway without a decider yet."""
    async with (
        migrated(running.dsn) as made,
        projecting(log, made),
        gateway_of(log, follower, made) as gateway,
    ):
        yield gateway


async def test_form_whose_decision_is_late_counts_once_and_again_after_a_refusal(
    undecided: Gateway, log: Log, follower: GovernanceFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*_WAITS_HALF_A_SECOND)
    alice = await undecided.sign_in("alice")
    form = await load(alice, "/requests/new")
    fields = {**_ASKED, "name": "late.sh", "csrf": form.value("csrf"), "key": form.value("key")}
    late = ConsolePage(await post(alice, "/requests/new", fields))
    assert late.status == 202
    assert "Sending it again counts once" in late.text
    assert late.value("key") == fields["key"]
    monkeypatch.undo()
    async with deciding(log, follower):
        first = await post(alice, "/requests/new", fields)
        again = await post(alice, "/requests/new", fields)
        assert first.status_code == again.status_code == 303, first.text
        assert first.headers["location"] == again.headers["location"]
        other = ConsolePage(await post(alice, "/requests/new", {**fields, "key": "another"}))
        assert other.status == 409
        assert other.value("key") not in ("another", fields["key"])


async def test_R4_approval_whose_decision_is_late_keeps_its_key_and_counts_once(
    undecided: Gateway, log: Log, follower: GovernanceFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with deciding(log, follower):
        request = (await undecided.submit("app/late"))["request"]
        await undecided.show(request, after=request)
    monkeypatch.setattr(*_WAITS_HALF_A_SECOND)
    bob = await undecided.sign_in("bob")
    shown = await load(bob, f"/requests/{request}")
    fields = {each: shown.value(each) for each in ("csrf", "key", "seen", "submission")}
    for _ in range(2):
        late = ConsolePage(await post(bob, f"/requests/{request}/approve", fields))
        assert late.status == 202
        assert late.value("key") == fields["key"]
    monkeypatch.undo()
    async with deciding(log, follower):
        after = (await undecided.submit("app/later"))["position"]
        await until(lambda: _has_gone_on(undecided, request, after))
        approvals = (await undecided.show(request))["request"]["approvals"]
        assert [each["approver"] for each in approvals] == ["bob"]


async def _has_gone_on(gateway: Gateway, request: str, after: str) -> bool:
    return bool((await gateway.show(request, after=after))["request"]["approvals"])
