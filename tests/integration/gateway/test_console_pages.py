"""The console's HTML: odd addresses, forms of other sites, what a search exports, ids with slashes."""

import re
from typing import Any, Final

import msgspec
import pytest

from assent.gateway.application.audit import write_audit_cursor as audit_place
from assent.gateway.application.requests import write_request_cursor as list_place
from assent.store.filters import AuditCursor
from assent.store.queries import Cursor
from assent_contracts.topics import LEDGER
from tests.support.console import HTML, ConsolePage, load, post
from tests.support.gateway import Gateway

_FAR: Final = list_place(Cursor(-(1 << 63), 0, 0))
_FAR_AUDIT: Final = audit_place(AuditCursor(-(1 << 62), LEDGER, 0, 0))
_ODD: Final = (
    *(
        ("/audit", {name: "a\0b"})
        for name in ("who", "resource", "request", "only", "since", "until", "cursor")
    ),
    *(("/audit", {name: "x" * 5_000}) for name in ("who", "resource", "request", "only", "since", "cursor")),
    *(
        ("/audit", {"since": day, "until": day})
        for day in ("0001-01-01", "9999-12-31", "2026-02-30", "٢٠٢٦-١١-٢٤")
    ),
    *(
        (page, {"cursor": cursor})
        for page in ("/audit", "/requests", "/received")
        for cursor in ("x", "W10", "e30")
    ),
    *(
        (page, {"show": show})
        for page in ("/requests", "/received", "/requests/all")
        for show in ("\0", "else")
    ),
    *(("/policies/edit", {"id": name}) for name in ("no-such", "\0", "../x", "x" * 500)),
    ("/policies/edit", {}),
    *((f"/requests/{name}", {}) for name in ("%00", "0-%00", "9" * 40, "9-9", "..%2f..", "0-0%0d%0aX:y")),
    ("/requests/%00/payload", {}),
    *(("/sign-in", {"return_to": where}) for where in ("\0", "//evil.example", "x" * 5_000)),
    ("/notifications", {"cursor": "\0"}),
)


@pytest.mark.parametrize(("path", "params"), _ODD)
async def test_odd_address_gets_a_page_and_not_a_failure(
    gateway: Gateway, path: str, params: dict[str, str]
) -> None:
    page = await load(await gateway.signed_in("carol"), path, **params)
    assert page.status < 500, page.text
    assert "<h1>" in page.text


@pytest.mark.parametrize("field", ["who", "resource", "request"])
async def test_NUL_in_a_search_is_refused_by_name(gateway: Gateway, field: str) -> None:
    page = await load(await gateway.signed_in("dave"), "/audit", **{field: "\0"})
    assert (page.status, page.code) == (400, "malformed")
    assert "NUL" in page.text


@pytest.mark.parametrize(
    ("path", "cursor"), [("/requests", _FAR), ("/received", _FAR), ("/audit", _FAR_AUDIT)]
)
async def test_page_far_past_the_end_is_empty_and_links_back(
    gateway: Gateway, path: str, cursor: str
) -> None:
    page = await load(await gateway.signed_in("carol"), path, cursor=cursor)
    assert page.status == 200
    assert page.link("Back to the first page") == path


async def test_R16_export_contains_what_was_searched_for(gateway: Gateway) -> None:
    request = (await gateway.submit("script/exported.sh"))["request"]
    await gateway.act(request, "approve", "alice", submission="0" * 64)
    await gateway.try_to_submit("script/exported.sh", principal="bob")
    last = (await gateway.submit("script/other.sh"))["request"]
    await gateway.show(last, after=last)
    dave = await gateway.signed_in("dave")
    page = await load(dave, "/audit", who="alice", resource="script/exported.sh", only="refused")
    assert len(re.findall(r'<tr class="is-refused">', page.text)) == 1
    lines = [msgspec.json.decode(each) for each in (await dave.get(page.link("Export"))).text.splitlines()]
    assert [each.get("command") for each in lines] == ["assent.approve.v1", None]
    assert lines[0]["principal"] == "alice"
    day = await load(dave, "/audit", since="2100-01-01", until="2100-01-02")
    assert "since=4102444800000&until=4102617600000" in day.link("Export")
    assert (await dave.get(day.link("Export"))).json() == {"end": True, "records": 0, "next": None}


async def test_R2_policy_whose_id_has_slashes_is_edited_and_deleted(gateway: Gateway) -> None:
    bob = await gateway.signed_in("bob")
    name = "eu/../prod//kiosk?#%2f"
    change = {
        "type": "assent.create-policy.v1",
        "policy": {
            "id": name,
            "name": "Slashes",
            "resource_type": "slash",
            "approvals": [{"quorum": 1, "groups": ["security"]}],
        },
    }
    await gateway.governed(change)
    page = await load(bob, "/policies")
    edit = await load(bob, page.link("Edit Slashes"))
    assert (edit.status, edit.value("name")) == (200, "Slashes")
    fields = {
        **{each: edit.value(each) for each in ("csrf", "key", "version", "resource_type")},
        "name": "Dots",
        "quorum-0": "1",
        "groups-0": "security",
        "step": "look",
    }
    looked = ConsolePage(await post(bob, page.link("Edit Slashes"), fields))
    assert (looked.status, looked.value("name")) == (200, "Dots")
    assert "A second administrator must approve it" in looked.text
    sent = await post(bob, page.link("Edit Slashes"), {**fields, "step": "send", "justification": "A name."})
    assert sent.status_code == 303, sent.text
    gone = await load(bob, page.link("Delete Slashes"))
    assert gone.status == 200
    fields = {**{each: gone.value(each) for each in ("csrf", "key", "version")}, "justification": "Away."}
    refused = ConsolePage(await post(bob, page.link("Delete Slashes"), fields))
    assert "Another request is open for this object" in refused.text


def forms(request: str) -> dict[str, dict[str, Any]]:
    """Every form of the console, filled in so that it would have an effect."""
    asked = {"type": "script", "name": "forged.sh", "operation": "edit", "payload": "x", "justification": "y"}
    policy = {"name": "F", "resource_type": "f", "quorum-0": "1", "groups-0": "security", "step": "look"}
    return {
        "/requests/new": asked,
        **{
            f"/requests/{request}/{each}": {"seen": "0"} for each in ("approve", "reject", "revoke", "cancel")
        },
        f"/requests/{request}/complete": {"seen": "0"},
        "/policies/new": policy,
        "/policies/edit?id=scripts": policy,
        "/policies/delete?id=scripts": {"version": "0"},
        "/notifications": {"kind": "webhook", "url": "https://hooks.example.com/forged"},
        "/notifications/remove": {"target": "0" * 32},
        "/notifications/change": {"target": "0" * 32},
        "/notifications/retry": {"letter": "1"},
        "/notifications/test": {"target": "0" * 32},
        "/sign-out": {},
    }


async def test_form_without_its_session_s_token_has_no_effect(gateway: Gateway) -> None:
    """CSRF: no token, a wrong one, another session's; and what another site's page makes the browser send."""
    alice, other = await gateway.sign_in("alice"), await gateway.sign_in("alice")
    request = (await gateway.submit("script/csrf.sh"))["request"]
    right, foreign = alice.headers["x-csrf-token"], other.headers["x-csrf-token"]
    for path, fields in forms(request).items():
        for csrf in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "é" * 40}):
            page = ConsolePage(await post(alice, path, {**fields, **csrf}))
            assert (page.status, page.code) == (403, "cross-site"), (path, csrf)
        for name, value in (
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ):
            sent = alice.build_request(
                "POST", path, data={**fields, "csrf": right}, headers={**HTML, name: value}
            )
            page = ConsolePage(await alice.send(sent))
            assert (page.status, page.code) == (403, "cross-site"), (path, name)
    assert (await gateway.show(request, after=request))["request"]["status"] == "needs_approval"
    assert "forged" not in (await load(alice, "/requests")).text
    assert "forged" not in (await load(alice, "/notifications")).text


async def test_form_of_10_MB_is_refused_on_a_page_that_explains_it(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    request = (await gateway.submit("script/large.sh"))["request"]
    for path in forms(request):
        page = ConsolePage(await post(alice, path, {"payload": "x" * 10_000_000}))
        assert (page.status, page.code) == (413, "too-large"), path
    assert (await load(alice, "/requests")).status == 200


async def test_invalid_form_is_refused(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    for body, kind in (
        (b"{}", "application/json"),
        (b"--x--", "multipart/form-data; boundary=x"),
        (b"%00=%ff", ""),
    ):
        headers = {**HTML, "content-type": kind}
        page = ConsolePage(await alice.post("/requests/new", content=body, headers=headers))
        assert (page.status, page.code) == (400, "malformed"), kind


async def test_downloaded_payload_has_a_name_that_is_safe_in_a_header_and_a_folder(gateway: Gateway) -> None:
    name = "script/../..\\a\"; filename=evil.exe; x='é<script>.sh"
    request = (await gateway.submit(name, payload="echo 1"))["request"]
    await gateway.show(request, after=request)
    alice = await gateway.signed_in("alice")
    answer = await alice.get(f"/requests/{request}/payload")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="{request}-script-..-..-a-filename-evil.exe-x-script-.sh"'
    )
    assert answer.content == b"echo 1"


async def test_page_fragment_that_reloads_itself_is_told_that_the_session_has_ended(
    gateway: Gateway,
) -> None:
    nobody = await gateway.anonymous()
    answer = await nobody.get("/received", headers={**HTML, "hx-request": "true"})
    assert (answer.status_code, answer.text) == (401, "")
    whole = await nobody.get("/audit?who=a%26b", headers=HTML)
    assert whole.headers["location"] == "/sign-in?return_to=/audit%3Fwho%3Da%2526b"
