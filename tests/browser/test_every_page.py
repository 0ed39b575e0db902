"""Every page, light and dark, on a desk and on a phone: axe, the width, and texts that would do harm."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.people import DESK, PHONE, Scheme, Visitors, fits

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
PAGES = (
    *("/received", "/requests", "/requests/all", "/requests?show=ended", "/requests/new", "/policies"),
    *(
        "/policies/new",
        "/policies/edit?id=scripts",
        "/policies/delete?id=scripts",
        "/groups",
        "/roles",
        "/settings",
    ),
    *("/audit", "/audit?who=nobody", "/notifications", "/health", "/no-such-page"),
)
HARM = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202e javascript:alert(3)'


async def findings(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds that is serious."""
    await page.evaluate(AXE)
    result: dict[str, Any] = await page.evaluate("() => axe.run(document)")
    return [
        (each["id"], [node["html"][:160] for node in each["nodes"][:3]])
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
    ]


async def test_axe_finds_what_is_wrong_on_a_page_that_is(visitors: Visitors) -> None:
    """A control: an axe that finds nothing anywhere would prove nothing."""
    page = await visitors.window()
    await page.set_content("<html><body><img src=''><input><p style='color:#bbb'>pale</p></body></html>")
    assert {name for name, _ in await findings(page)} >= {"image-alt", "label"}


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    visitors: Visitors, scheme: Scheme, screen: dict[str, Any]
) -> None:
    visitors.expected.append("404")
    request = await visitors.gateway.released(f"script/axe-{scheme}-{screen['viewport']['width']}.sh")
    waiting = await visitors.gateway.submit(f"app/axe-{scheme}-{screen['viewport']['width']}")
    page = await visitors.signed_in("Bob Ortega", screen, scheme=scheme)
    found = {}
    for path in (*PAGES, f"/requests/{request}", f"/requests/{waiting['request']}"):
        await page.goto(path)
        await fits(page)
        if serious := await findings(page):
            found[path] = serious
    await page.goto("/sign-in")
    if serious := await findings(page):
        found["/sign-in"] = serious
    assert found == {}


async def test_R16_audit_log_names_what_each_change_of_governance_is_about(visitors: Visitors) -> None:
    page = await visitors.signed_in("Dave Osei")
    await page.goto("/audit?who=founder")
    lines = page.get_by_role("row")
    await expect(lines.filter(has_text="created an access policy").first).to_contain_text("access-policy/")
    await expect(lines.filter(has_text="set who is in a group").first).to_contain_text("governance/group/")


async def test_no_text_that_a_person_can_write_becomes_part_of_a_page(visitors: Visitors) -> None:
    """Justification, payload, name of the object, note: shown as they are, obeyed by nobody."""
    # The name may hold a dialog's script: none may open, on any page.
    submitted = await visitors.gateway.submit(
        'script/"><svg onload=alert(4)>.sh', justification=HARM, payload=f"echo '{HARM}'"
    )
    request = submitted["request"]
    await visitors.gateway.approve(request, "carol", note=HARM)
    page = await visitors.signed_in("Bob Ortega")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path in ("/received", f"/requests/{request}", "/requests/all", f"/audit?request={request}"):
        await page.goto(path)
        assert await page.locator("main img, main script, main svg[onload]").count() == 0, path
    await page.goto(f"/requests/{request}")
    assert "alert(1)" in await page.locator("main").inner_text()
    assert "49" not in await page.locator(".why").inner_text()
    assert "\u202e" not in await page.locator("main").inner_text(), "it would turn the line round"
    assert dialogs == []
