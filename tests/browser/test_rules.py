"""What the rules refuse and require, as people see it: in words, and without losing what they wrote."""

import re
from pathlib import Path

import msgspec
from playwright.async_api import Dialog, Page, expect

from tests.browser.people import Visitors
from tests.browser.test_journeys import ask, status


async def test_R6_request_without_a_justification_is_not_sent_and_a_blank_one_is_refused(
    visitors: Visitors,
) -> None:
    visitors.expected.append("422")
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto("/requests/new")
    await alice.get_by_label("Resource type").select_option("script")
    await alice.get_by_label("Name", exact=True).fill("silent.sh")
    await alice.get_by_label("Content", exact=True).fill("echo quiet")
    send = alice.get_by_role("button", name="Send for approval")
    await send.click()
    why = alice.get_by_label("Justification")
    assert await why.evaluate("(field) => field.validity.valueMissing")
    await expect(alice).to_have_url(re.compile("/requests/new$"))
    await why.fill("   ")
    await send.click()
    await expect(alice.get_by_role("alert")).to_contain_text("The justification is missing")
    await expect(alice.get_by_label("Content", exact=True)).to_have_value("echo quiet")
    await why.fill("Now it says why.")
    await send.click()
    await status(alice, "Needs approval")


async def test_R12_failure_is_shown_with_the_applier_s_message(visitors: Visitors) -> None:
    request = await visitors.gateway.released("script/fails.sh")
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto(f"/requests/{request}")
    await status(alice, "Approved, waiting for an applier")
    message = "exit status 3: no space left on device"
    await visitors.gateway.applied(request, "script/fails.sh", "failed", message=message)
    await status(alice, "Failed")
    await expect(alice.locator("#decide")).to_contain_text(message)
    said = alice.locator(".happening").last
    await expect(said).to_contain_text("reported that it failed")
    await expect(said).to_contain_text(message)
    await alice.goto("/requests?show=ended")
    await expect(alice.locator(f"#r-{request}")).to_contain_text("Failed")


async def test_R16_auditor_searches_and_downloads_the_results(visitors: Visitors, tmp_path: Path) -> None:
    gateway = visitors.gateway
    request = (await gateway.submit("script/audited.sh"))["request"]
    await gateway.show(request, after=request)
    await gateway.act(request, "approve", "alice", submission="0" * 64)
    dave = await visitors.signed_in("Dave Osei")
    await dave.goto("/audit")
    await dave.get_by_label("Who").fill("alice")
    await dave.get_by_label("Object", exact=True).fill("script/audited.sh")
    await dave.get_by_label("Outcome").select_option("Refused")
    await dave.get_by_role("button", name="Search").click()
    rows = dave.locator("tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("tried to approve")
    async with dave.expect_download() as saving:
        await dave.get_by_role("link", name="Export the results").click()
    saved = tmp_path / "audit.ndjson"
    await (await saving.value).save_as(saved)
    lines = [msgspec.json.decode(line) for line in saved.read_bytes().splitlines()]
    assert [line["command"] for line in lines[:-1]] == ["assent.approve.v1"]
    assert lines[-1]["end"] is True


async def _filled(page: Page, *, name: str, kind: str, group: str | None, quorum: str = "1") -> None:
    await page.goto("/policies/new")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Resource type it protects").fill(kind)
    await page.get_by_label("How many people").first.fill(quorum)
    if group:
        await page.get_by_label(group).first.check()
    await page.get_by_role("button", name="See what will happen").click()


async def test_R2_invalid_policy_is_refused_in_words_and_the_form_keeps_its_input(
    visitors: Visitors,
) -> None:
    visitors.expected += ["400", "422"]
    bob = await visitors.signed_in("Bob Ortega")
    await _filled(bob, name="Nobody asks", kind="lonely", group=None)
    refused = bob.locator("main .alert.bad")
    await expect(refused).to_be_visible()
    await expect(refused).to_contain_text(re.compile("approv", re.IGNORECASE))
    await _filled(bob, name="Too many", kind="crowd", group="Security team", quorum="50")
    await expect(refused).to_contain_text(re.compile(r"50|people"))
    await bob.get_by_role("button", name="Back to the form").click()
    await expect(bob.get_by_label("Name", exact=True)).to_have_value("Too many")
    await expect(bob.get_by_label("How many people").first).to_have_value("50")
    await bob.get_by_label("Name", exact=True).fill("")
    await bob.get_by_role("button", name="See what will happen").click()
    assert await bob.get_by_label("Name", exact=True).evaluate("(field) => field.validity.valueMissing")


async def test_R5_policy_for_a_group_without_a_role_is_refused_where_the_setting_requires_one(
    visitors: Visitors,
) -> None:
    gateway = visitors.gateway
    group = {"id": "unlicensed", "name": "Without a role", "members": ["erin", "dave"]}
    await gateway.governed({"type": "assent.define-group.v1", "group": group})
    bob = await visitors.signed_in("Bob Ortega")
    settings = (await (await gateway.signed_in("bob")).get("/api/v1/settings")).json()
    changed = {**settings["settings"], "allow_unlicensed_admins": True}
    await gateway.governed(
        {"type": "assent.change-settings.v1", "settings": changed, "version": settings["version"]}
    )
    await _filled(bob, name="Unlicensed", kind="thing", group="Without a role")
    await expect(bob.locator("main .alert.bad")).to_contain_text("unlicensed")
    await _filled(bob, name="Licensed", kind="thing", group="Security team")
    await expect(bob.get_by_text("A second administrator must approve it")).to_be_visible()


async def test_difference_from_the_last_applied_version_is_shown_for_a_script(visitors: Visitors) -> None:
    gateway = visitors.gateway
    lines = [f"echo step {number}" for number in range(40)]
    first = await gateway.released("script/differs.sh", payload="\n".join(lines))
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{first}")
    await expect(bob.get_by_text("Nothing was applied to this object before.")).to_be_visible()
    await gateway.applied(first, "script/differs.sh")
    lines[20:21] = ["echo twenty", "echo and more"]
    second = (await gateway.submit("script/differs.sh", payload="\n".join(lines)))["request"]
    await bob.goto(f"/requests/{second}")
    changes = bob.locator("#changes")
    assert await changes.locator(".is-added code").all_inner_texts() == ["echo twenty", "echo and more"]
    assert await changes.locator(".is-removed code").all_inner_texts() == ["echo step 20"]
    note = bob.locator(".card-note")
    await expect(note).to_contain_text(f"compared with request {first}, which was applied last")
    await expect(changes.get_by_text("echo step 1", exact=True)).to_be_hidden()
    await bob.get_by_text("17 unchanged lines").click()
    await expect(changes.get_by_text("echo step 1", exact=True)).to_be_visible()
    await bob.get_by_text("Full content (sh)").click()
    await expect(bob.locator("#code .line")).to_have_count(41)


async def test_difference_from_the_last_applied_version_is_shown_for_JSON(visitors: Visitors) -> None:
    gateway = visitors.gateway
    first = (await gateway.submit("app/viewer", payload={"version": "1.0", "channel": "stable"}))["request"]
    await gateway.approve(first, "bob")
    await gateway.approve(first, "carol")
    await gateway.complete(first)
    await gateway.applied(first, "app/viewer")
    then = {"version": "1.1", "channel": "stable"}
    second = (await gateway.submit("app/viewer", payload=then))["request"]
    same = await visitors.signed_in("Bob Ortega")
    await same.goto(f"/requests/{second}")
    changes = same.locator("#changes")
    assert await changes.locator(".is-added code").all_inner_texts() == ['  "version": "1.1",']
    assert await changes.locator(".is-removed code").all_inner_texts() == ['  "version": "1.0",']
    await gateway.act(second, "cancel", "alice")
    third = (await gateway.submit("app/viewer", payload={"version": "1.0", "channel": "stable"}))["request"]
    await same.goto(f"/requests/{third}")
    await expect(same.get_by_text("These are the same bytes")).to_be_visible()


async def test_R6_too_long_text_is_kept_whole_and_its_excess_is_shown(visitors: Visitors) -> None:
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto("/requests/new")
    why, count = alice.get_by_label("Justification"), alice.locator("#justification-count")
    await expect(count).to_be_hidden()
    await why.fill("x" * 1_100)
    await expect(count).to_have_text("76 characters too many")
    assert len(await why.input_value()) == 1_100
    assert await why.evaluate("(field) => field.validationMessage") == "76 characters too many"
    await why.fill("é" * 1_000)
    await expect(count).to_have_text("24 characters left")
    assert await why.evaluate("(field) => field.validity.valid")


async def test_leaving_a_half_written_form_asks_first(visitors: Visitors) -> None:
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    alice = await visitors.signed_in("Alice Miller")
    alice.on("dialog", answer)
    await alice.goto("/requests/new")
    await alice.get_by_role("link", name="My requests").click()
    await expect(alice).to_have_url(re.compile("/requests$"))
    assert asked == []
    await alice.goto("/requests/new")
    await alice.get_by_label("Name", exact=True).fill("half.sh")
    await alice.get_by_role("link", name="My requests").click()
    await expect(alice).to_have_url(re.compile("/requests$"))
    assert asked == ["beforeunload"]
    await ask(alice, "whole.sh")
    assert asked == ["beforeunload"], "what is sent is not asked about"
