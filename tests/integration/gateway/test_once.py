"""A command counts once however often it is sent, and its decision is found however late it comes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
import pytest_asyncio

from assent.gateway.application import command_sending as deciding_by_http
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id
from tests.support.containers import Endpoints
from tests.support.gateway import (
    Gateway,
    accepted,
    answering,
    gateway_of,
    migrated,
    projecting,
    refused,
)
from tests.support.log import Log, deciding
from tests.support.stack import until


@pytest_asyncio.fixture(scope="module")
async def undecided(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    """A gateway whose log has no decider until a test starts one."""
    async with (
        migrated(running.dsn) as made,
        projecting(log, made),
        gateway_of(log, follower, made) as gateway,
    ):
        yield gateway


def body(resource: str, justification: str = "It is needed.") -> dict[str, str]:
    return {"resource": resource, "operation": "edit", "justification": justification, "payload": "x"}


async def submit(client: httpx.AsyncClient, key: str, content: dict[str, str]) -> httpx.Response:
    return await client.post("/api/v1/requests", json=content, headers={"idempotency-key": key})


async def test_same_key_with_the_same_content_counts_once_on_two_gateways(
    undecided: Gateway, log: Log, follower: GovernanceFollower
) -> None:
    client = await undecided.signed_in("alice")
    async with (
        deciding(log, follower),
        answering(log, undecided.dsn) as second,
        httpx.AsyncClient(base_url=second, headers=client.headers, timeout=30) as other,
    ):
        # The session is known there, because it is in Postgres.
        other.cookies.set("assent", client.cookies["assent"])
        first = accepted(await submit(client, "once", body("script/once")), 201)
        for each in (client, other):
            again = accepted(await submit(each, "once", body("script/once")), 200)
            assert again["repeated"] is True
            assert (again["request"], again["at"]) == (first["request"], first["at"])
        problem = refused(await submit(other, "once", body("script/once", "Other.")), 409, "id-reused")
        assert problem["decided"] == int(first["position"].partition("-")[2])
        # Another person's key is another key.
        bob = await undecided.signed_in("bob")
        refused(await submit(bob, "once", body("script/once")), 409, "resource-locked")


async def refusals_of(gateway: Gateway, principal: str) -> int:
    """How many are on record in the caller's name."""
    # The audit log contains what was decided before this was submitted.
    position = (await gateway.submit(f"script/{new_command_id()}", principal=principal))["position"]
    partition, _, seq = position.partition("-")
    db = await asyncpg.connect(gateway.dsn)
    try:

        async def is_there() -> bool:
            held = await db.fetchval(
                "select max(seq) from audit where ledger = 'assent.ledger' and partition = $1", int(partition)
            )
            return held is not None and held >= int(seq)

        await until(is_there)
        outcomes = await db.fetch("select outcome from audit where principal = $1", principal)
    finally:
        await db.close()
    return sum(not row["outcome"].startswith("assent.") for row in outcomes)


async def test_retry_leaves_no_refusal_in_the_caller_s_name(
    undecided: Gateway, log: Log, follower: GovernanceFollower
) -> None:
    """Of a submission, an action and a change to governance, at two gateways, at once and one by one."""
    bob = await undecided.signed_in("bob")
    async with (
        deciding(log, follower),
        answering(log, undecided.dsn) as second,
        httpx.AsyncClient(base_url=second, headers=bob.headers, timeout=30) as other,
    ):
        other.cookies.set("assent", bob.cookies["assent"])
        before = await refusals_of(undecided, "bob")
        request = (await undecided.submit("script/retried"))["request"]
        seen = await undecided.submission(request)
        registered = {
            "type": "assent.register-principal.v1",
            "account": {"id": "gina", "kind": "human", "person": "gina.ito"},
        }
        calls = {
            "/api/v1/requests": body("script/retried-too"),
            f"/api/v1/requests/{request}/approve": {"submission": seen},
            "/api/v1/governance/changes": {"change": registered},
        }
        for path, content in calls.items():
            headers = {"idempotency-key": f"retried {path}".replace(" ", ":")}
            tries = [each.post(path, json=content, headers=headers) for each in (bob, other, bob)]
            answers = [*await asyncio.gather(*tries), await other.post(path, json=content, headers=headers)]
            said = [accepted(each, each.status_code) for each in answers]
            assert {each.status_code for each in answers} <= {200, 201}
            assert len({each["position"] for each in said}) == 1, said
            assert said[-1]["repeated"]
        assert await refusals_of(undecided, "bob") == before


async def test_resent_change_to_governance_takes_the_same_way_as_the_first(
    undecided: Gateway, log: Log, follower: GovernanceFollower
) -> None:
    """A rule that changed in between would turn it into a request when it is sent again."""
    bob = await undecided.signed_in("bob")
    key = {"idempotency-key": "once-and-at-once"}
    change = {
        "type": "assent.register-principal.v1",
        "account": {"id": "hugo", "kind": "human", "person": "hugo.berg"},
    }
    async with deciding(log, follower):
        first = accepted(await bob.post("/api/v1/governance/changes", json={"change": change}, headers=key))
        assert first["request"] is None
        db = await asyncpg.connect(undecided.dsn)
        try:
            at_once = await db.fetchval(
                "select at_once from sent_commands where command_id = $1",
                hashlib.sha256(b"bob\0once-and-at-once").hexdigest(),
            )
        finally:
            await db.close()
        assert at_once is True
        again = accepted(await bob.post("/api/v1/governance/changes", json={"change": change}, headers=key))
        assert (again["position"], again["repeated"]) == (first["position"], True)


async def test_double_click_submits_once(undecided: Gateway, log: Log, follower: GovernanceFollower) -> None:
    client = await undecided.signed_in("alice")
    async with deciding(log, follower):
        answers = await asyncio.gather(*(submit(client, "click", body("script/click")) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.json()["request"] for each in answers}) == 1


async def test_refusal_is_repeated_for_the_same_key(
    undecided: Gateway, log: Log, follower: GovernanceFollower
) -> None:
    client = await undecided.signed_in("alice")
    async with deciding(log, follower):
        first = refused(await submit(client, "no", body("printer/1")), 422, "no-policy")
        again = refused(await submit(client, "no", body("printer/1")), 422, "no-policy")
        assert again["position"] == first["position"]


async def test_action_counts_once_too(undecided: Gateway, log: Log, follower: GovernanceFollower) -> None:
    async with deciding(log, follower):
        request = (await undecided.submit("script/act"))["request"]
        submission = (await undecided.show(request, after=request))["request"]["submission"]
        bob = await undecided.signed_in("bob")
        url, headers = f"/api/v1/requests/{request}/approve", {"idempotency-key": "yes"}
        first = accepted(await bob.post(url, json={"submission": submission}, headers=headers))
        again = accepted(await bob.post(url, json={"submission": submission}, headers=headers))
        assert (again["position"], again["repeated"]) == (first["position"], True)


@pytest.mark.parametrize("key", ["", "a b", "x" * 129])
async def test_invalid_key_is_refused(undecided: Gateway, key: str) -> None:
    client = await undecided.signed_in("alice")
    refused(await submit(client, key, body("script/key")), 400, "malformed")


async def test_late_decision_is_found_where_the_answer_pointed(
    undecided: Gateway, log: Log, follower: GovernanceFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding_by_http, "ANSWER_WITHIN_S", 0.3)
    alice, bob = await undecided.signed_in("alice"), await undecided.signed_in("bob")
    late = await submit(alice, "late", body("script/late"))
    assert late.status_code == 202, late.text
    assert late.headers["content-type"] == "application/json"
    assert late.json()["code"] == "late"
    place = late.headers["location"]
    still = await alice.get(place)
    assert (still.status_code, still.headers["location"]) == (202, place)
    again = await submit(alice, "late", body("script/late"))
    assert again.headers["location"].partition("?")[0] == place.partition("?")[0]
    refusal = await submit(alice, "refused", body("printer/1"))
    async with deciding(log, follower):

        async def decided() -> bool:
            return (await alice.get(place)).status_code == 200

        await until(decided)
        decision = accepted(await alice.get(place))
        assert decision["events"] == ["assent.change-submitted.v1"]
        shown = await undecided.show(decision["request"], after=decision["position"])
        assert shown["request"]["resource"] == "script/late"

        async def is_refused() -> bool:
            return (await alice.get(refusal.headers["location"])).status_code != 202

        await until(is_refused)
        refused(await alice.get(refusal.headers["location"]), 422, "no-policy")
        # Nobody can look up what another person has sent.
        assert (await bob.get(place)).status_code == 202


async def test_command_that_can_no_longer_be_decided_is_not_found(undecided: Gateway) -> None:
    client = await undecided.signed_in("alice")
    refused(await client.get("/api/v1/commands/x", params={"sent_at": 1}), 404, "not-found")
