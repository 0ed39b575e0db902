"""The life of a request over HTTP: what each rule permits, and how a refusal reaches its sender."""

import itertools
from typing import Any

import pytest

from tests.support.gateway import Gateway, accepted, refused
from tests.support.stack import until

_numbers = itertools.count()


def script() -> str:
    """An object that no other test uses."""
    return f"script/{next(_numbers)}.sh"


def app() -> str:
    """An object that two people must approve."""
    return f"app/{next(_numbers)}"


async def test_R1_R12_change_is_submitted_approved_completed_and_applied(gateway: Gateway) -> None:
    resource = script()
    decision = await gateway.submit(resource, justification="The agent needs it.")
    request = decision["request"]
    assert decision["events"] == ["assent.change-submitted.v1"]
    assert (await gateway.show(request, after=request))["request"]["status"] == "needs_approval"
    approved = await gateway.approve(request, "bob", note="Looks right.")
    shown = await gateway.show(request, after=approved["position"])
    assert shown["request"]["status"] == "approved"
    assert shown["request"]["progress"] is None
    released = await gateway.complete(request)
    assert (await gateway.show(request, after=released["position"]))["request"]["progress"] == "released"
    ended = await gateway.applied(request, resource)
    shown = await gateway.show(request, after=ended)
    assert shown["request"]["status"] == "completed"
    assert [entry["command"] for entry in shown["timeline"]] == [
        "assent.submit-change.v1",
        "assent.approve.v1",
        "assent.complete.v1",
        "assent.claim.v1",
        "assent.report-outcome.v1",
    ]


async def test_R12_failure_is_shown_with_the_applier_s_message(gateway: Gateway) -> None:
    resource = script()
    request = await gateway.released(resource)
    ended = await gateway.applied(request, resource, "failed")
    shown = (await gateway.show(request, after=ended))["request"]
    assert (shown["status"], shown["outcome_message"]) == ("failed", "Done.")


async def test_R6_justification_is_required_and_shown_in_full_to_approvers(gateway: Gateway) -> None:
    resource, text = script(), "Grüße <b>&amp;</b> 日本語\n" + "x" * 1_000
    refused(await gateway.try_to_submit(resource, justification=""), 422, "justification-required")
    refused(await gateway.try_to_submit(resource, justification="x" * 1_025), 413, "too-large")
    request = (await gateway.submit(resource, justification=text))["request"]
    shown = await gateway.show(request, principal="bob", after=request)
    assert shown["request"]["justification"] == text


async def test_R8_note_of_a_rejection_is_visible_to_the_requester(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    decision = accepted(await gateway.act(request, "reject", "carol", note="Not on a Friday."))
    shown = await gateway.show(request, after=decision["position"])
    assert shown["request"]["status"] == "rejected"
    assert shown["request"]["rejections"][0]["note"] == "Not on a Friday."


@pytest.mark.parametrize("account", ["alice", "alice-admin"])
@pytest.mark.parametrize("action", ["approve", "reject"])
async def test_R9_nobody_decides_on_their_own_request(gateway: Gateway, account: str, action: str) -> None:
    decision = await gateway.submit(script())
    request = decision["request"]
    shown = await gateway.show(request, principal=account, after=request)
    fields = (
        {"submission": shown["request"]["submission"]} if action in ("approve", "reject", "complete") else {}
    )
    problem = refused(await gateway.act(request, action, account, **fields), 403, "own-request")
    assert problem["position"] != decision["position"]


async def test_R10_second_request_for_an_object_names_the_open_one(gateway: Gateway) -> None:
    resource = script()
    request = (await gateway.submit(resource))["request"]
    problem = refused(await gateway.try_to_submit(resource, principal="bob"), 409, "resource-locked")
    assert problem["open_request"] == request


async def test_R11_only_the_requester_cancels_and_only_before_approval(gateway: Gateway) -> None:
    resource = script()
    request = (await gateway.submit(resource))["request"]
    refused(await gateway.act(request, "cancel", "bob"), 403, "not-requester")
    accepted(await gateway.act(request, "cancel", "alice"))
    again = (await gateway.submit(resource))["request"]
    await gateway.approve(again)
    refused(await gateway.act(again, "cancel", "alice"), 409, "not-pending")


async def test_approval_is_revoked_before_the_release(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    await gateway.approve(request)
    accepted(await gateway.act(request, "revoke", "bob", note="Wait."))
    refused(await gateway.act(request, "complete", "alice"), 409, "not-approved")


async def test_R18_unprotected_type_is_refused(gateway: Gateway) -> None:
    refused(await gateway.try_to_submit("printer/1"), 422, "no-policy")


async def test_R4_person_in_no_approver_group_cannot_approve(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    submission = (await gateway.show(request, after=request))["request"]["submission"]
    # An auditor sees it but can do nothing else.
    refused(await gateway.act(request, "approve", "dave", submission=submission), 403, "not-an-approver")


async def test_approval_of_other_bytes_is_refused(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    problem = await gateway.act(request, "approve", "bob", submission="0" * 64)
    refused(problem, 412, "digest-mismatch")


async def test_R7_person_without_a_role_sees_no_requests_of_others(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    await gateway.show(request, after=request)
    erin = await gateway.signed_in("erin")
    for path in ("", "/approvers", "/explanation"):
        refused(await erin.get(f"/api/v1/requests/{request}{path}"), 404, "not-found")
    refused(await gateway.act(request, "reject", "erin"), 404, "not-found")
    absent = refused(await erin.get("/api/v1/requests/0-999999"), 404, "not-found")
    there = refused(await erin.get(f"/api/v1/requests/{request}"), 404, "not-found")
    assert absent["detail"].replace("0-999999", request) == there["detail"]


@pytest.mark.parametrize(("who", "view", "listed"), [
    ("alice", "mine", True),
    ("alice-admin", "mine", True),
    ("bob", "mine", False),
    ("bob", "received", True),
    ("alice", "received", True),
    ("erin", "received", False),
    ("dave", "received", False),
    ("dave", "all", True),
    ("erin", "all", False),
])  # fmt: skip
async def test_R7_lists_show_what_each_person_may_see(
    gateway: Gateway, who: str, view: str, *, listed: bool
) -> None:
    resource = script()
    request = (await gateway.submit(resource))["request"]
    client = await gateway.signed_in(who)
    answer = await client.get(
        "/api/v1/requests", params={"view": view, "resource": resource}, headers={"assent-after": request}
    )
    assert [each["id"] for each in accepted(answer)["requests"]] == ([request] if listed else [])
    assert answer.headers["assent-lag"].isdecimal()


async def test_R7_list_is_filtered_by_status(gateway: Gateway) -> None:
    resource = script()
    request = (await gateway.submit(resource))["request"]
    client = await gateway.signed_in("alice")
    for statuses, found in ((["rejected", "expired"], []), (["rejected", "needs_approval"], [request])):
        params = {"status": statuses, "resource": resource}
        answer = await client.get("/api/v1/requests", params=params, headers={"assent-after": request})
        assert [each["id"] for each in accepted(answer)["requests"]] == found


async def test_pages_continue_each_other_without_gap_or_repetition(gateway: Gateway) -> None:
    made = [(await gateway.submit(script()))["request"] for _ in range(5)]
    client = await gateway.signed_in("alice")
    for request in made:
        await gateway.show(request, after=request)
    seen, cursor = [], None
    while True:
        params: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = accepted(await client.get("/api/v1/requests", params=params))
        assert len(page["requests"]) <= 2
        seen += [each["id"] for each in page["requests"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in made] == made[::-1]


async def test_paging_far_past_the_end_finds_nothing(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    page = accepted(await client.get("/api/v1/requests", params={"cursor": "WzEsMCwwXQ"}))
    assert page == {"requests": [], "next": None}


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "WzFd", "W251bGwsMCwwXQ", "WzEsOTk5OTk5OTk5OTk5OTksMF0", "=" * 200]
)
async def test_invented_cursor_is_refused(gateway: Gateway, cursor: str) -> None:
    client = await gateway.signed_in("alice")
    refused(await client.get("/api/v1/requests", params={"cursor": cursor}), 400, "malformed")


async def test_unchanged_request_is_not_sent_again(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    client = await gateway.signed_in("alice")
    url = f"/api/v1/requests/{request}"
    first = await client.get(url, headers={"assent-after": request})
    etag = first.headers["etag"]
    for named in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = await client.get(url, headers={"if-none-match": named})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    # A refused action changes only the timeline, but it is a change all the same.
    problem = refused(await gateway.act(request, "reject", "alice"), 403, "own-request")
    news = await client.get(url, headers={"if-none-match": etag, "assent-after": problem["position"]})
    while news.status_code == 304:  # the audit log has it a moment later than the status
        news = await client.get(url, headers={"if-none-match": etag})
    assert accepted(news)["timeline"][-1]["refusal"]["code"] == "own-request"


@pytest.mark.parametrize("after", ["x", "1", "1-", "-1-1", "9" * 30 + "-1", "1-1-1"])
async def test_invalid_position_is_refused(gateway: Gateway, after: str) -> None:
    client = await gateway.signed_in("alice")
    refused(await client.get("/api/v1/requests", headers={"assent-after": after}), 400, "malformed")


async def test_position_that_is_never_reached_is_answered_in_time(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    answer = await client.get("/api/v1/requests", headers={"assent-after": "0-999999999"})
    refused(answer, 503, "lagging")
    assert answer.headers["retry-after"] == "1"


async def test_decision_on_an_unseen_version_is_refused(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    seen = (await gateway.show(request, principal="bob", after=request))["request"]
    rejected = {"submission": seen["submission"], "seen": seen["last_seq"]}
    await gateway.approve(request, "carol")
    refused(await gateway.act(request, "approve", "bob", **rejected), 409, "not-pending")


async def test_R16_decision_on_a_stale_page_is_refused_on_record(gateway: Gateway) -> None:
    request = (await gateway.submit(app()))["request"]
    seen = (await gateway.show(request, principal="bob", after=request))["request"]
    await gateway.approve(request, "carol")
    for action in ("approve", "reject"):
        fields = {"submission": seen["submission"], "seen": seen["last_seq"]}
        problem = refused(await gateway.act(request, action, "bob", **fields), 412, "outdated")
        place = problem["position"].partition("-")

        async def is_on_record(seq: str = place[2]) -> bool:
            shown = await gateway.show(request)
            found = [each for each in shown["timeline"] if each["seq"] == int(seq)]
            return [(each["refusal"] or {}).get("code") for each in found] == ["outdated"]

        await until(is_on_record)
    assert (await gateway.show(request))["request"]["status"] == "needs_approval"


async def test_decision_on_the_seen_version_counts(gateway: Gateway) -> None:
    request = (await gateway.submit(script()))["request"]
    seen = (await gateway.show(request, principal="bob", after=request))["request"]
    fields = {"submission": seen["submission"], "seen": seen["last_seq"]}
    accepted(await gateway.act(request, "approve", "bob", **fields))


@pytest.mark.parametrize("extra", ["", '"1-1", '])
async def test_if_match_permits_only_the_version_that_was_seen(gateway: Gateway, extra: str) -> None:
    request = (await gateway.submit(script()))["request"]
    bob, place = await gateway.signed_in("bob"), f"/api/v1/requests/{request}"
    shown = await bob.get(place, headers={"assent-after": request})
    etag, body = shown.headers["etag"], {"submission": shown.json()["request"]["submission"]}
    # A refused action leaves the request unchanged.
    refused(await gateway.act(request, "reject", "alice"), 403, "own-request")
    refused(await bob.post(f"{place}/reject", json=body, headers={"if-match": '"999999-1"'}), 412, "outdated")
    for other in (f"W/{etag}", etag.strip('"'), "nonsense", '""', "", "*, *"):
        answer = await bob.post(f"{place}/reject", json=body, headers={"if-match": other})
        problem = refused(answer, 412, "changed-since")
        assert problem["status_now"] == "needs_approval"
    answer = await bob.post(f"{place}/reject", json=body, headers={"if-match": extra + etag})
    position = accepted(answer)["position"]
    shown = await gateway.show(request, after=position)
    assert shown["request"]["status"] == "rejected"
    refused(await bob.post(f"{place}/reject", json=body, headers={"if-match": etag}), 409, "not-pending")


async def test_payload_s_digest_covers_the_bytes_as_sent(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    body = b'{"resource":"script/raw.sh","operation":"edit","justification":"x","payload":{ "n" : 1.0e2 }}'
    answer = await client.post("/api/v1/requests", content=body, headers={"content-type": "application/json"})
    request = accepted(answer, 201)["request"]
    assert answer.headers["location"] == f"/api/v1/requests/{request}"
    shown = (await gateway.show(request, after=request))["request"]
    import hashlib

    assert shown["digest"] == hashlib.sha256(b'{ "n" : 1.0e2 }').hexdigest()


async def test_R4_approvers_and_explanation_state_who_can_approve_and_why_others_cannot(
    gateway: Gateway,
) -> None:
    request = (await gateway.submit(script()))["request"]
    client = await gateway.signed_in("alice")
    after = {"assent-after": request}
    approvers = accepted(await client.get(f"/api/v1/requests/{request}/approvers", headers=after))
    assert [each["principal"] for each in approvers["can_approve"]] == ["bob", "carol"]
    url = f"/api/v1/requests/{request}/explanation"
    said = accepted(await client.get(url, params={"principal": "alice-admin"}))
    assert said["next"] == "approve"
    assert said["explained"]["for"]["refusal"]["code"] == "own-request"
    assert "own-request" in said["standing"]
    assert "1 missing" in said["sentences"][0]
    await gateway.approve(request)
    after = {"assent-after": (await gateway.complete(request))["position"]}
    approvers = accepted(await client.get(f"/api/v1/requests/{request}/approvers", headers=after))
    assert approvers["can_approve"] == []
