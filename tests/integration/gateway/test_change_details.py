"""R24: what a submission states besides what is changed and why: over HTTP, in forms, on pages, in lists."""

import re
from typing import Any

import pytest_asyncio

from tests.support.console import ConsolePage, load, post
from tests.support.gateway import Gateway, accepted, refused

TEST = {"what": "CI run 17", "sha256": "ab" * 32, "uri": "https://ci.example/17"}
DETAILS: dict[str, Any] = {
    "impact": "Nobody signs in\nfor a minute.",
    "fallback": "Apply <b>version</b> 1.",
    "tested": [TEST],
    "expected": "New rates.",
    "emergency": True,
    "tickets": ["CHG-1", "CHG-2"],
}


@pytest_asyncio.fixture(scope="module")
async def kiosks(gateway: Gateway) -> Gateway:
    """A policy for kiosks demands the impact and tickets."""
    policy = {
        "id": "kiosks",
        "name": "Kiosks",
        "resource_type": "kiosk",
        "approvals": [{"quorum": 1, "groups": ["endpoint-admins"]}],
        "demands": ["impact", "tickets"],
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    return gateway


async def test_R24_details_reach_the_approver_in_full_over_http(gateway: Gateway) -> None:
    request = (await gateway.submit("script/stated.sh", **DETAILS))["request"]
    shown = await gateway.show(request, principal="bob", after=request)
    assert shown["request"]["details"] == DETAILS
    assert shown["doubt"] is None


async def test_R24_page_shows_every_detail_and_hides_nothing(gateway: Gateway) -> None:
    hiding = {**DETAILS, "expected": "New\u202erates."}
    request = (await gateway.submit("script/paged.sh", **hiding))["request"]
    await gateway.show(request, principal="bob", after=request)
    page = (await load(await gateway.signed_in("bob"), f"/requests/{request}")).text
    for said in (
        "Nobody signs in\nfor a minute.",
        "Apply &lt;b&gt;version&lt;/b&gt; 1.",
        TEST["what"],
        TEST["sha256"],
        TEST["uri"],
        "CHG-1, CHG-2",
        "It is stated that the change cannot wait.",
    ):
        assert said in page
    assert "\u202e" not in page
    assert 'id="details-hide"' in page


async def test_R24_lists_find_emergencies_and_tickets(gateway: Gateway) -> None:
    first = (await gateway.submit("script/listed-1.sh", emergency=True, tickets=["T-9", "T-10"]))["request"]
    second = (await gateway.submit("script/listed-2.sh", emergency=False, tickets=["T-10"]))["request"]
    third = (await gateway.submit("script/listed-3.sh"))["request"]
    for each in (first, second, third):
        await gateway.show(each, after=each)
    alice = await gateway.signed_in("alice")

    async def found(**asked: Any) -> set[str]:
        answer = accepted(await alice.get("/api/v1/requests", params={"limit": 200, **asked}))
        return {each["id"] for each in answer["requests"]} & {first, second, third}

    assert await found(emergency="true") == {first}
    assert await found(emergency="false") == {second}
    assert await found(ticket="T-10") == {first, second}
    assert await found(ticket="T-10", emergency="true") == {first}
    assert await found(ticket="T-1") == set()
    page = await load(alice, "/requests", emergency="yes", find="listed")
    assert re.findall(r'data-request="([^"]+)"', page.text) == [first]
    assert "Emergency" in page.text
    by_ticket = await load(alice, "/requests", find="T-9")
    assert re.findall(r'data-request="([^"]+)"', by_ticket.text) == [first]


async def test_R24_refusal_names_the_demanded_field(kiosks: Gateway) -> None:
    problem = refused(await kiosks.try_to_submit("kiosk/lobby", impact="None."), 422, "field-required")
    assert problem["field"] == "tickets"
    await kiosks.submit("kiosk/lobby", impact="None.", tickets=["T-1"])


async def test_R24_form_opens_what_is_demanded_and_sends_all_of_it(kiosks: Gateway) -> None:
    alice = await kiosks.signed_in("alice")
    form = await load(alice, "/requests/new")
    usual = {
        "csrf": form.value("csrf"),
        "key": form.value("key"),
        "type": "kiosk",
        "name": "desk",
        "operation": "edit",
        "kind": "text",
        "payload": "x",
        "justification": "y",
    }
    again = ConsolePage(await post(alice, "/requests/new", usual))
    assert again.status == 422
    assert opened(again) == {"impact", "tickets"}
    bad = {**usual, "impact": "None.", "tickets": "T-2", "tested": "CI run 17"}
    assert (
        "This line does not state a test: CI run 17."
        in ConsolePage(await post(alice, "/requests/new", {**bad, "key": again.value("key")})).text
    )
    good = {**bad, "tickets": "T-2, T-3", "emergency": "no", "tested": f"{TEST['sha256']} CI run 17\n\n"}
    sent = await post(alice, "/requests/new", {**good, "key": again.value("key")})
    assert sent.status_code == 303, sent.text
    request = sent.headers["location"].removeprefix("/requests/").removesuffix("#done")
    details = (await kiosks.show(request, after=request))["request"]["details"]
    assert details == {
        "impact": "None.",
        "tested": [{"what": "CI run 17", "sha256": TEST["sha256"]}],
        "emergency": False,
        "tickets": ["T-2", "T-3"],
    }
    once_more = await load(alice, "/requests/new", again=request)
    assert opened(once_more) == {"impact", "tested", "emergency", "tickets"}
    assert once_more.value("tickets") == "T-2 T-3"


def opened(form: ConsolePage) -> set[str]:
    """The details of the form that are open."""
    return set(re.findall(r'<details class="more" id="detail-(\w+)"[^>]* open>', form.text))


async def test_R24_policy_form_states_and_keeps_what_is_demanded(kiosks: Gateway) -> None:
    form = await load(await kiosks.signed_in("bob"), "/policies/edit", id="kiosks")
    checked = re.findall(r'name="demands" value="(\w+)" checked', form.text)
    assert checked == ["impact", "tickets"]
    assert (
        "A submission must state impact and tickets."
        in (await load(await kiosks.signed_in("alice"), "/policies")).text
    )
