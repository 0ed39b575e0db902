"""R27 on the real stack: a change waits for its window and for the end of a freeze period."""

import re

from assent_contracts.client.publisher import now_ms
from tests.support.console import load
from tests.support.gateway import Gateway, refused

HOUR_MS = 60 * 60 * 1_000


async def test_R27_change_waits_for_its_window_and_the_page_says_until_when(gateway: Gateway) -> None:
    begins = now_ms() + HOUR_MS
    request = (await gateway.submit("script/windowed.sh", not_before=begins))["request"]
    approved = await gateway.approve(request)
    problem = refused(await gateway.act(request, "complete", "alice"), 409, "not-yet")
    assert problem["again_at"] == begins
    await gateway.show(request, after=approved["position"])
    page = (await load(await gateway.signed_in("alice"), f"/requests/{request}")).text
    assert "Approved, and waits for its time" in page
    assert 'id="says-not_before"' in page
    assert 'id="not-yet"' in page
    refused(await gateway.try_to_submit("script/over.sh", not_after=now_ms() - 1), 409, "window-over")


async def test_R27_freeze_period_holds_up_all_but_emergencies_and_its_form_keeps_it(gateway: Gateway) -> None:
    ends = now_ms() // 60_000 * 60_000 + HOUR_MS
    policy = {
        "id": "kiosks",
        "name": "Kiosks",
        "resource_type": "kiosk",
        "approvals": [{"quorum": 1, "groups": ["endpoint-admins"]}],
        "freezes": [{"from": 0, "to": ends, "reason": "Year end."}],
        "emergency_passes_freeze": True,
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    request = (await gateway.submit("kiosk/lobby"))["request"]
    await gateway.approve(request)
    problem = refused(await gateway.act(request, "complete", "alice"), 409, "not-yet")
    assert problem["again_at"] == ends
    await gateway.released("kiosk/desk", emergency=True)
    form = (await load(await gateway.signed_in("bob"), "/policies/edit", id="kiosks")).text
    assert re.search(r"1970-01-01T00:00Z \d{4}-\d\d-\d\dT\d\d:\d\dZ Year end\.", form)
