"""What a request's page offers: nothing ends by one click, the requester reads whom it was sent to."""

import re
from typing import Any

from tests.support.console import ConsolePage, load, post
from tests.support.gateway import Gateway


async def acted(gateway: Gateway, who: str, request: str, action: str, **fields: Any) -> ConsolePage:
    """Send the form of an action as the page of the request has it."""
    client = await gateway.signed_in(who)
    page = await load(client, f"/requests/{request}")
    given = {each: page.value(each) for each in ("csrf", "key", "seen", "submission")}
    answer = await post(client, f"/requests/{request}/{action}", {**given, **fields})
    return ConsolePage(answer) if answer.status_code != 303 else await load(client, f"/requests/{request}")


async def waits(gateway: Gateway, resource: str) -> str:
    request = (await gateway.submit(resource))["request"]
    await gateway.show(request, after=request)
    return request


async def test_R8_rejection_without_a_reason_is_not_sent(gateway: Gateway) -> None:
    request = await waits(gateway, "script/why-not.sh")
    page = await acted(gateway, "bob", request, "reject", note=" \n ")
    assert page.status == 422
    assert "A rejection needs a reason" in page.text
    assert (await gateway.show(request))["request"]["status"] == "needs_approval"
    page = await acted(gateway, "bob", request, "reject", note="It breaks the build.")
    assert "It was rejected." in page.text
    assert (await gateway.show(request))["request"]["rejection_note"] == "It breaks the build."


async def test_R11_canceling_takes_a_second_step(gateway: Gateway) -> None:
    request = await waits(gateway, "script/two-steps.sh")
    page = await load(await gateway.signed_in("alice"), f"/requests/{request}")
    folded = re.search(r'<details class="more" id="more-cancel">.*?</details>', page.text, re.DOTALL)
    assert folded is not None
    assert "Cancel it now" in folded[0]
    assert page.text.count('id="cancel"') == folded[0].count('id="cancel"') == 1
    assert "It was canceled." in (await acted(gateway, "alice", request, "cancel")).text


async def test_requester_reads_whom_it_was_sent_to(gateway: Gateway) -> None:
    request = await waits(gateway, "script/sent.sh")
    page = await load(await gateway.signed_in("alice"), f"/requests/{request}")
    assert "Sent for approval" in page.text
    sent_to = re.search(r'<p id="sent-to">(.*?)</p>', page.text)
    assert sent_to is not None
    assert "Bob Ortega" in sent_to[1]
    assert "Alice" not in sent_to[1]
    other = await load(await gateway.signed_in("bob"), f"/requests/{request}")
    assert 'id="sent-to"' not in other.text


async def test_R12_requester_s_menu_counts_what_they_can_complete(gateway: Gateway) -> None:
    request = await waits(gateway, "script/counted.sh")
    alice = await gateway.signed_in("alice")
    before = _counted(await load(alice, "/policies"))
    approved = await gateway.approve(request)
    await gateway.show(request, after=approved["position"])
    assert _counted(await load(alice, "/policies")) == before + 1


def _counted(page: ConsolePage) -> int:
    found = re.search(r'id="nav-outbox".*?</a>', page.text, re.DOTALL)
    assert found is not None
    count = re.search(r'class="count">(\d+)', found[0])
    return int(count[1]) if count else 0


async def test_after_a_decision_the_next_oldest_request_is_one_click_away(gateway: Gateway) -> None:
    first, second, third = [await waits(gateway, f"script/row-{n}.sh") for n in range(3)]
    bob = await gateway.signed_in("bob")
    assert 'id="following"' not in (await load(bob, f"/requests/{second}")).text
    page = await acted(gateway, "bob", second, "reject", note="Not this one.")
    oldest = (await load(bob, "/received")).link("edit")
    assert page.link("Next request waiting for you") == oldest
    assert oldest not in (f"/requests/{second}", f"/requests/{third}")
    assert first in (await load(bob, "/received")).text
