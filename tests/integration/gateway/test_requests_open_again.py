"""R20, R21, R22 over HTTP: on whose behalf, who receives it now, and how a stuck request ends."""

import html
import itertools
import re

from tests.integration.gateway.test_requests import script
from tests.support.console import ConsolePage
from tests.support.gateway import Gateway, accepted, refused
from tests.support.log import UPSTREAM
from tests.support.stack import until

_numbers = itertools.count()


async def ids_of(gateway: Gateway, principal: str, view: str, after: str) -> dict[str, dict[str, object]]:
    client = await gateway.signed_in(principal)
    page = accepted(
        await client.get("/api/v1/requests", params={"view": view}, headers={"assent-after": after})
    )
    return {each["id"]: each for each in page["requests"]}


async def page_of(gateway: Gateway, principal: str, request: str) -> ConsolePage:
    client = await gateway.signed_in(principal)
    return ConsolePage(await client.get(f"/requests/{request}", headers={"accept": "text/html"}))


def words(page: ConsolePage) -> str:
    """The text of the page, without its markup."""
    return " ".join(re.sub(r"<[^>]*>", "", html.unescape(page.text)).split())


async def test_R20_request_sent_by_a_service_on_my_behalf_is_shown_as_mine(gateway: Gateway) -> None:
    request = (await gateway.actor.opened(script(), on_behalf_of="bob")).request
    mine = await ids_of(gateway, "bob", "mine", request)
    assert (mine[request]["requester"], mine[request]["on_behalf_of"]) == (UPSTREAM, "bob")
    assert mine[request]["person"] == "bob.ortega"
    assert request in await ids_of(gateway, "bob", "received", request)
    refused(await gateway.act(request, "approve", "bob"), 403, "own-request")
    page = await page_of(gateway, "carol", request)
    assert "on behalf of Bob Ortega" in words(page)
    assert 'id="approve"' in page.text
    assert 'id="approve"' not in (await page_of(gateway, "bob", request)).text


async def test_R20_person_cannot_name_another_person(gateway: Gateway) -> None:
    answer = await gateway.try_to_submit(script(), on_behalf_of="bob")
    refused(answer, 422, "on-behalf-of-invalid")


async def test_R22_administrator_closes_with_a_reason_that_everybody_sees(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    await gateway.approve(request)
    refused(await gateway.act(request, "close", "alice-admin", reason="Mine."), 403, "own-request")
    refused(await gateway.act(request, "close", "dave", reason="No."), 403, "not-permitted")
    refused(await gateway.act(request, "close", "carol", reason=" "), 400, "malformed")
    page = await page_of(gateway, "carol", request)
    assert 'id="close"' in page.text
    closed = accepted(await gateway.act(request, "close", "carol", reason="Its owner has left."))
    shown = await gateway.show(request, after=closed["position"])
    row = shown["request"]
    assert (row["status"], row["closed_by"], row["closing_reason"]) == (
        "canceled",
        "carol",
        "Its owner has left.",
    )
    assert shown["timeline"][-1]["words"]["reason"] == "Its owner has left."
    text = words(await page_of(gateway, "alice", request))
    assert "closed by Carol Chen, an administrator" in text
    assert "Its owner has left." in text


async def test_R22_applied_request_cannot_be_closed(gateway: Gateway) -> None:
    request = await gateway.actor.released(script())
    await gateway.actor.claim(request)
    answer = await gateway.act(request.request, "close", "carol", reason="Too late.")
    refused(answer, 409, "being-applied")


async def test_R22_page_of_an_approved_request_whose_policy_was_deleted_offers_a_way_out(
    gateway: Gateway,
) -> None:
    kind = f"stuck-{next(_numbers)}"
    policy = {
        "id": kind,
        "name": kind,
        "resource_type": kind,
        "approvals": [{"quorum": 1, "groups": ["endpoint-admins"]}],
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    carol = await gateway.signed_in("carol")
    request = await gateway.submit_once_protected(f"{kind}/one")
    approved = await gateway.approve(request)
    await gateway.show(request, after=approved["position"])
    version = (await carol.get(f"/api/v1/policies/{kind}")).json()["version"]
    await gateway.governed({"type": "assent.delete-policy.v1", "policy": kind, "version": version})

    async def gone() -> bool:
        found = (await carol.get("/api/v1/policies")).json()["policies"]
        return kind not in [each["policy"]["id"] for each in found]

    await until(gone)
    page = await page_of(gateway, "alice", request)
    assert 'id="cancel"' in page.text
    assert "It cannot continue" in page.text
    assert 'id="reject"' in (await page_of(gateway, "carol", request)).text
    canceled = accepted(await gateway.act(request, "cancel", "alice"))
    assert canceled["events"] == ["assent.request-reopened.v1", "assent.request-canceled.v1"]
    shown = await gateway.show(request, after=canceled["position"])
    assert shown["request"]["status"] == "canceled"
    assert shown["history"][0]["type"] == "assent.approval-given.v1"


async def test_R21_approver_named_later_receives_the_request_and_a_lapsed_approval_is_marked(
    gateway: Gateway,
) -> None:
    kind = f"late-{next(_numbers)}"
    rule = {"quorum": 1, "groups": ["endpoint-admins"]}
    policy = {"id": kind, "name": kind, "resource_type": kind, "approvals": [{**rule, "quorum": 2}]}
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    erin = await gateway.signed_in("erin")
    bob = await gateway.signed_in("bob")

    async def version() -> int | None:
        found = (await bob.get("/api/v1/policies")).json()["policies"]
        return next((each["version"] for each in found if each["policy"]["id"] == kind), None)

    request = await gateway.submit_once_protected(f"{kind}/one")
    await gateway.approve(request)
    assert request not in await ids_of(gateway, "erin", "received", request)
    before = await version()
    edited = {**policy, "approvals": [rule, {"quorum": 1, "groups": ["security"]}], "own_signature": True}
    await gateway.governed({"type": "assent.edit-policy.v1", "version": before, "policy": edited})

    async def is_edited() -> bool:
        return await version() != before

    await until(is_edited)
    found = await ids_of(gateway, "erin", "received", request)
    approvals = found[request]["approvals"]
    assert isinstance(approvals, list)
    assert [each["lapsed"] for each in approvals] == ["own-signature-required"]
    shown = accepted(await erin.get(f"/api/v1/requests/{request}"))
    assert shown["request"]["approvals"][0]["lapsed"] == "own-signature-required"
