"""An unknown outcome over HTTP and in the console: a retry, a late report, and two who must agree."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.commands import Claim, Outcome, RenewLease, ReportOutcome
from assent_contracts.refusals import RefusalCode
from tests.integration.gateway.test_requests_open_again import page_of, words
from tests.support.console import post
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, accepted, everything, refused
from tests.support.handover import demo_governance
from tests.support.log import APPLIER, Log, fresh_log
from tests.support.stack import until

_numbers = itertools.count()


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Log]:
    """A log whose leases are short."""
    folder = tmp_path_factory.mktemp("keys")
    governance = demo_governance(folder / "g.toml", lease="3s")
    yield await fresh_log(running.bootstrap, folder, governance=governance)


@pytest_asyncio.fixture(scope="module")
async def gateway(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    async with everything(log, follower, running.dsn) as started:
        yield started


class Released:
    """A released script, and its applier."""

    def __init__(self, gateway: Gateway, resource: str, request: str) -> None:
        self._gateway, self._resource, self.request = gateway, resource, request

    async def claim(self) -> Decided:
        return await self._gateway.actor.send(Claim(**self._about()))

    async def report(self, outcome: Outcome, claim: int) -> Decided:
        command = ReportOutcome(**self._about(), outcome=outcome, claim=claim, message="I am late.")
        return await self._gateway.actor.send(command)

    async def renew(self, claim: int) -> Decided:
        return await self._gateway.actor.send(RenewLease(**self._about(), claim=claim))

    def _about(self) -> dict[str, Any]:
        about = {"principal": APPLIER, "resource": self._resource, "request": self.request}
        return {"id": new_command_id(), "at": now_ms(), **about}

    async def progress(self, awaited: str | None) -> None:
        """Wait until people see that the request is so far."""

        async def so_far() -> bool:
            shown = await self._gateway.show(self.request)
            return shown["request"]["progress"] == awaited

        await until(so_far)


async def released(gateway: Gateway, kind: str = "script") -> Released:
    resource = f"{kind}/unknown-{next(_numbers)}"
    return Released(gateway, resource, await gateway.released(resource))


async def unknown(gateway: Gateway, kind: str = "script") -> tuple[Released, int]:
    """A change that was claimed, whose lease has ended; and the claim's number."""
    change = await released(gateway, kind)
    claimed = await change.claim()
    assert claimed.refusal is None, claimed.refusal
    await change.progress("unknown")
    return change, claimed.seq


async def test_change_is_released_again_and_the_late_report_of_its_old_claim_is_refused(
    gateway: Gateway,
) -> None:
    change, first = await unknown(gateway)
    row = (await gateway.show(change.request))["request"]
    assert (row["applier"], row["claim"], row["claimed_at"] < row["lease_end"]) == (APPLIER, first, True)
    settled = accepted(
        await gateway.act(change.request, "settle", "carol", outcome="retry", reason="It is not there.")
    )
    assert settled["events"] == ["assent.change-released.v1"]
    again = await change.claim()
    assert again.refusal is None, again.refusal
    assert again.seq > first
    late = await change.report("succeeded", first)
    assert late.refusal is not None
    assert late.refusal.code is RefusalCode.CLAIM_SUPERSEDED
    done = await change.report("succeeded", again.seq)
    assert done.refusal is None
    shown = await gateway.show(change.request, after=f"{done.partition}-{done.seq}")
    assert (shown["request"]["status"], shown["request"]["claim"]) == ("completed", again.seq)
    outcomes = [each["outcome"] for each in shown["timeline"]]
    assert outcomes[-5:] == [
        "assent.outcome-unknown.v1",
        "assent.change-released.v1",
        "assent.change-claimed.v1",
        "claim-superseded",
        "assent.request-completed.v1",
    ]


async def test_renewals_extend_the_lease_and_are_no_news(gateway: Gateway) -> None:
    change = await released(gateway)
    claimed = await change.claim()
    await change.progress("applying")
    before = (await gateway.show(change.request))["request"]
    renewed = await change.renew(claimed.seq)
    assert renewed.refusal is None, renewed.refusal
    shown = await gateway.show(change.request, after=f"{renewed.partition}-{renewed.seq}")
    row = shown["request"]
    assert row["lease_end"] > before["lease_end"]
    assert (row["last_seq"], row["changed_at"]) == (before["last_seq"], before["changed_at"])
    assert shown["timeline"][-1]["outcome"] == "assent.change-claimed.v1"
    assert (await change.report("succeeded", claimed.seq)).refusal is None


async def test_R9_administrator_settles_it_in_the_console_and_the_requester_does_not(
    gateway: Gateway,
) -> None:
    change, claim = await unknown(gateway)
    own = await gateway.act(change.request, "settle", "alice-admin", outcome="failed", reason="Mine.")
    refused(own, 403, "own-request")
    refused(
        await gateway.act(change.request, "settle", "dave", outcome="failed", reason="x"),
        403,
        "not-permitted",
    )
    refused(
        await gateway.act(change.request, "settle", "carol", outcome="failed", reason=" "), 400, "malformed"
    )
    late = await gateway.act(change.request, "settle", "carol", outcome="failed", reason="x", claim=claim - 1)
    refused(late, 409, "claim-superseded")
    theirs = await page_of(gateway, "alice", change.request)
    assert "An administrator has to check and settle it" in words(theirs)
    assert 'id="settle"' not in theirs.text
    page = await page_of(gateway, "carol", change.request)
    assert "Look at the target, then choose" in words(page)
    assert "It has reported nothing." in words(page)
    carol = await gateway.signed_in("carol")
    form = {name: page.value(name) for name in ("csrf", "seen", "submission", "key", "claim")}
    nothing = await post(carol, f"/requests/{change.request}/settle", {**form, "reason": "I looked."})
    assert "Choose one of the ways to settle the outcome." in nothing.text
    assert "I looked." in nothing.text
    sent = {**form, "outcome": "succeeded", "reason": "The file is there."}
    answer = await post(carol, f"/requests/{change.request}/settle", sent)
    assert answer.status_code == 303, answer.text
    await change.progress(None)
    shown = (await gateway.show(change.request))["request"]
    assert (shown["status"], shown["reporter"], shown["outcome_message"]) == (
        "completed",
        "carol",
        "The file is there.",
    )
    ended = words(await page_of(gateway, "alice", change.request))
    assert "Carol Chen settled it: it was applied." in ended
    assert "The file is there." in ended


async def test_where_a_policy_asks_for_two_another_administrator_must_agree(gateway: Gateway) -> None:
    kind = f"twice-{next(_numbers)}"
    policy = {
        "id": kind,
        "name": kind,
        "resource_type": kind,
        "approvals": [{"quorum": 1, "groups": ["endpoint-admins"]}],
        "settlements": 2,
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    request = await gateway.submit_once_protected(f"{kind}/one")
    await gateway.approve(request)
    await gateway.complete(request)
    change = Released(gateway, f"{kind}/one", request)
    assert (await change.claim()).refusal is None
    await change.progress("unknown")
    first = await gateway.act(request, "settle", "carol", outcome="retry", reason="Nothing is there.")
    position = accepted(first)["position"]
    assert accepted(first)["events"] == ["assent.settlement-proposed.v1"]
    row = (await gateway.show(request, after=position))["request"]
    assert [(each["administrator"], each["outcome"]) for each in row["proposals"]] == [("carol", "retry")]
    assert row["proposals"][0]["reason"] == "Nothing is there."
    page = words(await page_of(gateway, "bob", request))
    assert "Carol Chen proposed to release the change again" in page
    assert "Another administrator must settle it the same way" in page
    again = await gateway.act(request, "settle", "carol", outcome="retry", reason="Still nothing.")
    refused(again, 409, "already-decided")
    second = await gateway.act(request, "settle", "bob", outcome="retry", reason="I see nothing either.")
    assert accepted(second)["events"] == ["assent.change-released.v1"]


async def test_R22_released_change_that_nobody_has_claimed_is_stopped_by_an_administrator(
    gateway: Gateway,
) -> None:
    change = await released(gateway)
    page = await page_of(gateway, "carol", change.request)
    assert 'id="close"' in page.text
    closed = await gateway.act(change.request, "close", "carol", reason="The wrong week.")
    assert accepted(closed)["events"] == ["assent.request-closed.v1"]
    claimed = await change.claim()
    assert claimed.refusal is not None
    assert claimed.refusal.code is RefusalCode.NOT_RELEASED
