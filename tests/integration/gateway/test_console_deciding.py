"""What a request's page offers: nothing ends with one click, and the requester reads who received it."""

import html
import re
from typing import Any

from tests.support.console import ConsolePage, load, post
from tests.support.gateway import Gateway
from tests.support.stack import until


async def acted(gateway: Gateway, who: str, request: str, action: str, **fields: Any) -> ConsolePage:
    """Send the form of an action as it is on the request's page."""
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


async def test_R16_rejection_without_permission_is_recorded_even_without_a_reason(gateway: Gateway) -> None:
    request = await waits(gateway, "script/not-daves.sh")
    shown = (await gateway.show(request))["request"]
    dave = await gateway.signed_in("dave")
    fields = {
        "csrf": dave.headers["x-csrf-token"],
        "seen": str(shown["last_seq"]),
        "submission": shown["submission"],
    }
    assert (await post(dave, f"/requests/{request}/reject", fields)).status_code == 403

    async def is_on_record() -> bool:
        told = (await gateway.show(request))["timeline"]
        return any(each["principal"] == "dave" and each["refusal"] for each in told)

    await until(is_on_record)


async def test_R11_canceling_takes_a_second_step(gateway: Gateway) -> None:
    request = await waits(gateway, "script/two-steps.sh")
    page = await load(await gateway.signed_in("alice"), f"/requests/{request}")
    folded = re.search(r'<details class="more" id="more-cancel">.*?</details>', page.text, re.DOTALL)
    assert folded is not None
    assert "Cancel it now" in folded[0]
    assert page.text.count('id="cancel"') == folded[0].count('id="cancel"') == 1
    assert "It was canceled." in (await acted(gateway, "alice", request, "cancel")).text


async def test_requester_reads_who_received_the_request(gateway: Gateway) -> None:
    request = await waits(gateway, "script/sent.sh")
    page = await load(await gateway.signed_in("alice"), f"/requests/{request}")
    assert "Sent for approval" in page.text
    sent_to = re.search(r'<p id="sent-to">(.*?)</p>', page.text)
    assert sent_to is not None
    assert "Bob Ortega" in sent_to[1]
    assert "Alice" not in sent_to[1]
    assert "None of them has set up notifications." in page.text
    target = {"kind": "webhook", "url": "https://hooks.example.com/told", "events": ["rejected"]}
    for who, events in (("bob", ["needs-approval"]), ("carol", ["rejected"])):
        client = await gateway.signed_in(who)
        made = await client.post("/api/v1/notifications/targets", json={**target, "events": events})
        assert made.status_code == 201, made.text
    page = await load(await gateway.signed_in("alice"), f"/requests/{request}")
    assert '<p id="told">Notified: Bob Ortega.</p>' in page.text
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


async def test_ended_request_can_be_submitted_again_as_it_was(gateway: Gateway) -> None:
    payloads = ("echo 'one'\necho two\n", {"version": "1.0"}, {"$base64": "/wCAgA=="}, "a\r\nb")
    for number, payload in enumerate(payloads):
        name = f"script/again-{number}.sh"
        request = (await gateway.submit(name, operation="assign", payload=payload))["request"]
        assert 'id="again"' not in (await load(await gateway.signed_in("alice"), f"/requests/{request}")).text
        ended = await acted(gateway, "alice", request, "cancel")
        form = await load(await gateway.signed_in("alice"), ended.link("Submit again"))
        assert (form.value("name"), form.value("operation")) == (f"again-{number}.sh", "assign")
        content = re.search(r'<textarea id="payload".*?>\n?(.*?)</textarea>', form.text, re.DOTALL)
        kind = re.search(r'name="kind" value="(\w+)" checked', form.text)
        why = re.search(r'<textarea id="justification".*?>\n?(.*?)</textarea>', form.text, re.DOTALL)
        assert content is not None
        assert kind is not None
        assert why is not None
        fields = {each: form.value(each) for each in ("csrf", "key", "name", "operation", "file")}
        sent = {
            **fields,
            "type": "script",
            "kind": kind[1],
            "payload": html.unescape(content[1]),
            "justification": html.unescape(why[1]),
        }
        answer = await post(await gateway.signed_in("alice"), "/requests/new", sent)
        assert answer.status_code == 303, answer.text
        again = answer.headers["location"].removeprefix("/requests/").removesuffix("#done")
        digests = [(await gateway.show(each))["request"]["digest"] for each in (request, again)]
        assert digests[0] == digests[1]


async def test_only_permitted_requesters_are_offered_to_submit_a_request_again(gateway: Gateway) -> None:
    request = await waits(gateway, "script/not-carols.sh")
    await acted(gateway, "carol", request, "reject", note="No.")
    for who, may in (("alice", True), ("dave", False)):
        page = await load(await gateway.signed_in(who), f"/requests/{request}")
        assert "It was rejected." in page.text
        assert ('id="again"' in page.text) is may
    erin = await load(await gateway.signed_in("erin"), "/requests/new", again=request)
    assert erin.status in (403, 404)


async def test_R10_person_who_may_not_see_the_open_request_reads_who_has_it_and_gets_no_dead_link(
    gateway: Gateway,
) -> None:
    await gateway.governed(
        {
            "type": "assent.assign-role.v1",
            "assignment": {"id": "erin-asks", "role": "requester", "principals": ["erin"]},
        }
    )
    request = await waits(gateway, "script/held.sh")
    for who, sees in (("erin", False), ("alice", True)):
        client = await gateway.signed_in(who)
        form = await load(client, "/requests/new")
        fields = {
            **{each: form.value(each) for each in ("csrf", "key")},
            "type": "script",
            "name": "held.sh",
            "operation": "edit",
            "kind": "text",
            "payload": "echo",
            "justification": "Mine.",
        }
        page = ConsolePage(await post(client, "/requests/new", fields))
        assert page.status == 409
        assert "The open request is from Alice Miller, submitted" in page.text
        assert (f'href="/requests/{request}"' in page.text) is sees


async def test_R15_empty_content_is_refused_for_an_edit_and_shown_as_none_for_a_delete(
    gateway: Gateway,
) -> None:
    client = await gateway.signed_in("alice")
    form = await load(client, "/requests/new")
    fields = {
        **{each: form.value(each) for each in ("csrf", "key")},
        "type": "script",
        "name": "empty.sh",
        "kind": "text",
        "justification": "It is not used.",
    }
    page = ConsolePage(await post(client, "/requests/new", {**fields, "operation": "edit"}))
    assert page.status == 400
    assert "There is no content for the operation edit." in page.text
    answer = await post(client, "/requests/new", {**fields, "operation": "delete"})
    assert answer.status_code == 303, answer.text
    page = await load(client, answer.headers["location"])
    assert "There is no content." in page.text
    assert "too complex" not in page.text
