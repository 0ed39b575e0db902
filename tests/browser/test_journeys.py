"""What people come for, from sign-in to outcome, each in their own window."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.people import PHONE, Visitors, fits


async def ask(page: Page, name: str, *, kind: str = "script", why: str = "The disk fills up.") -> str:
    """Fill in the form of a new request; returns the request's id."""
    await page.goto("/requests/new")
    await page.get_by_label("Resource type").select_option(kind)
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Content", exact=True).fill("#!/bin/sh\necho hello\n")
    await page.get_by_label("Justification").fill(why)
    await page.get_by_role("button", name="Send for approval").click()
    await page.wait_for_url(re.compile(r"/requests/\d+-\d+"))
    return page.url.split("/requests/")[1].split("#")[0]


def status(page: Page, words: str):  # noqa: ANN201  playwright's assertions have no public type
    return expect(page.locator("#done .status")).to_have_text(words)


async def test_R1_R8_R12_request_goes_from_submission_to_outcome_and_both_windows_show_it(
    visitors: Visitors,
) -> None:
    """Approved with a note on a phone; the requester's window shows it without a reload and completes."""
    alice = await visitors.signed_in("Alice Miller")
    request = await ask(alice, "life.sh")
    await status(alice, "Needs approval")
    await expect(alice.get_by_text("It is your own request")).to_be_visible()
    await expect(alice.get_by_role("button", name="Approve")).to_have_count(0)

    bob = await visitors.signed_in("Bob Ortega", PHONE)
    await bob.goto("/received")
    row = bob.locator(f"#r-{request}")
    await expect(row).to_contain_text("The disk fills up.")
    await row.get_by_role("link").click()
    await fits(bob)
    await expect(bob.get_by_text("echo hello")).to_be_visible()
    await bob.get_by_label("Note").fill("Looked at it with the owner.")
    await bob.get_by_role("button", name="Approve").click()
    await status(bob, "Approved")
    await expect(bob.locator("#done")).to_be_focused()

    # Without a reload: alice has done nothing since.
    await status(alice, "Approved")
    await expect(alice.get_by_text("Looked at it with the owner.")).to_be_visible()
    await alice.get_by_role("button", name="Complete").click()
    await status(alice, "Approved, waiting for an applier")
    await visitors.gateway.applied(request, "script/life.sh")
    await status(alice, "Completed")
    await expect(alice.locator(".timeline")).to_contain_text("reported that it was applied")


async def test_R10_second_request_for_an_object_is_refused_and_the_first_is_named(visitors: Visitors) -> None:
    visitors.expected.append("409")
    alice = await visitors.signed_in("Alice Miller")
    request = await ask(alice, "locked.sh")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/requests/new")
    await bob.get_by_label("Name", exact=True).fill("locked.sh")
    await bob.get_by_label("Resource type").select_option("script")
    await bob.get_by_label("Content", exact=True).fill("echo other")
    await bob.get_by_label("Justification").fill("Mine is better.")
    await bob.get_by_role("button", name="Send for approval").click()
    alert = bob.get_by_role("alert")
    await expect(alert).to_contain_text("Another request is open for this object")
    # The text that was entered is kept.
    await expect(bob.get_by_label("Content", exact=True)).to_have_value("echo other")
    await alert.get_by_role("link", name=f"Open request {request}").click()
    await expect(bob).to_have_url(re.compile(f"/requests/{request}$"))


async def test_R11_requester_cancels(visitors: Visitors) -> None:
    alice = await visitors.signed_in("Alice Miller")
    await ask(alice, "canceled.sh")
    await alice.get_by_text("Cancel the request", exact=True).click()
    await alice.get_by_role("button", name="Cancel it now").click()
    await status(alice, "Canceled")


async def test_R8_rejection_ends_the_request_and_its_note_reaches_the_requester(visitors: Visitors) -> None:
    alice = await visitors.signed_in("Alice Miller")
    request = await ask(alice, "rejected.sh")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    await bob.get_by_role("button", name="Reject").click()
    note = bob.get_by_label("Note")
    assert await note.evaluate("(field) => field.validationMessage") == "Write in the note why you reject it."
    await bob.evaluate(
        "() => new Promise((done) => {"
        " addEventListener('htmx:afterSettle', done, { once: true }); hear('*'); })"
    )
    assert await note.evaluate("(field) => field.validationMessage") == "Write in the note why you reject it."
    await status(bob, "Needs approval")
    await note.fill("Not before the release.")
    await bob.get_by_role("button", name="Reject").click()
    await status(bob, "Rejected")
    await status(alice, "Rejected")
    await expect(alice.get_by_text("Not before the release.")).to_be_visible()


async def test_decision_on_a_request_that_changed_since_is_refused_and_the_change_is_shown(
    visitors: Visitors,
) -> None:
    visitors.expected += ["412", "ERR_INTERNET_DISCONNECTED", "htmx:"]
    alice = await visitors.signed_in("Alice Miller")
    request = await ask(alice, "changed", kind="app")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    # His window no longer receives events, as after a night in a closed laptop.
    await bob.context.set_offline(True)
    await visitors.gateway.approve(request, "carol", note="Fine.")
    await bob.evaluate(
        "() => { for (const part of document.querySelectorAll('[data-live]')) delete part.dataset.live; }"
    )
    await bob.context.set_offline(False)
    await bob.get_by_role("button", name="Approve").click()
    await expect(bob.get_by_role("alert")).to_contain_text("It has changed since you looked")
    await expect(bob.locator(".since")).to_contain_text("Carol Chen approved")
    await bob.get_by_role("button", name="Approve").click()
    await status(bob, "Approved")


async def test_R3_R18_policy_is_requested_approved_by_another_edited_and_deleted_the_same_way(
    visitors: Visitors,
) -> None:
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/policies")
    await bob.get_by_role("link", name="New policy").click()
    await bob.get_by_label("Name", exact=True).fill("Kiosks")
    await bob.get_by_label("Resource type it protects").fill("kiosk")
    await bob.get_by_label("Security team").check()
    await bob.get_by_role("button", name="See what will happen").click()
    await expect(bob.get_by_text("A second administrator must approve it")).to_be_visible()
    await bob.get_by_label("Justification").fill("Kiosks stand open.")
    await bob.get_by_role("button", name="Request it").click()
    await bob.wait_for_url(re.compile(r"/requests/\d+-\d+"))
    request = bob.url.split("/requests/")[1].split("#")[0]

    carol = await visitors.signed_in("Carol Chen")
    await carol.goto(f"/requests/{request}")
    await expect(carol.get_by_text("Create policy Kiosks", exact=False).first).to_be_visible()
    await agree(carol, bob)
    await bob.goto("/policies")
    await expect(bob.get_by_role("heading", name="Kiosks")).to_be_visible()

    await bob.get_by_role("link", name="Edit Kiosks").click()
    await bob.get_by_label("How many people").first.fill("2")
    await bob.get_by_role("button", name="See what will happen").click()
    await expect(bob.locator(".difference ins")).to_have_text("2")
    await bob.get_by_label("Justification").fill("Two see more than one.")
    await bob.get_by_role("button", name="Request it").click()
    await agree(await shown(carol, bob), bob)
    await bob.goto("/policies")
    policy = bob.get_by_role("article", name="Kiosks")
    await expect(policy).to_contain_text("2 of Security team")

    await bob.get_by_role("link", name="Delete Kiosks").click()
    await expect(bob.get_by_text("A second administrator must approve it")).to_be_visible()
    await bob.get_by_label("Justification").fill("The kiosks are gone.")
    await bob.get_by_role("button", name="Request the deletion").click()
    await agree(await shown(carol, bob), bob)
    await bob.goto("/policies")
    await expect(bob.get_by_role("heading", name="Kiosks")).to_have_count(0)
    await bob.goto("/requests/new")
    await expect(bob.get_by_label("Resource type").get_by_role("option", name="kiosk")).to_have_count(0)


async def shown(window: Page, other: Page) -> Page:
    """The window, showing the request that the other one has just made."""
    await other.wait_for_url(re.compile(r"/requests/\d+-\d+"))
    await window.goto(other.url)
    return window


async def agree(approver: Page, requester: Page) -> None:
    """Approve the request of both windows in one of them, and complete it in the other."""
    await approver.get_by_role("button", name="Approve").click()
    await status(approver, "Approved")
    await requester.get_by_role("button", name="Complete").click()
    await status(requester, "Completed")


async def test_request_can_be_found_and_approved_with_the_keyboard_alone(visitors: Visitors) -> None:
    alice = await visitors.signed_in("Alice Miller")
    request = await ask(alice, "by-keys.sh")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/policies")
    await bob.keyboard.press("g")
    await bob.keyboard.press("r")
    await bob.wait_for_url("**/received")
    row = bob.locator(f"#r-{request} a")
    # It may come a moment after the page, above a row that has the focus already.
    await expect(row).to_be_visible()
    for _ in range(30):
        await bob.keyboard.press("j")
        if await row.evaluate("(link) => link === document.activeElement"):
            break
    await bob.keyboard.press("Enter")
    await bob.wait_for_url(f"**/requests/{request}")
    await bob.keyboard.press("a")
    await expect(bob.get_by_label("Note")).to_be_focused()
    await bob.keyboard.type("By keys alone.")
    await bob.keyboard.press("Tab")
    await expect(bob.get_by_role("button", name="Approve")).to_be_focused()
    await bob.keyboard.press("Enter")
    await status(bob, "Approved")


async def test_list_shows_a_new_request_and_the_waiting_count_without_a_reload(
    visitors: Visitors,
) -> None:
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/received")
    request = (await visitors.gateway.submit("script/appears.sh", justification="It appears."))["request"]
    await expect(bob.locator(f"#r-{request}")).to_contain_text("It appears.")
    await expect(bob.get_by_role("navigation", name="Main").locator(".count")).to_contain_text("waiting")


@pytest.mark.parametrize("page", ["/requests", "/audit"])
async def test_visitor_who_is_not_signed_in_signs_in_and_returns(visitors: Visitors, page: str) -> None:
    window = await visitors.window()
    await window.goto(page)
    await expect(window).to_have_url(re.compile("/sign-in"))
    await expect(window.get_by_text("This is a demo sign-in")).to_be_visible()
    await window.get_by_role("button", name="Sign in as Dave Osei").click()
    await expect(window).to_have_url(re.compile(f"{page}$"))


async def test_page_that_a_person_may_not_see_explains_so(visitors: Visitors) -> None:
    visitors.expected.append("404")
    request = (await visitors.gateway.submit("script/not-for-erin.sh"))["request"]
    erin = await visitors.signed_in("Erin Kowalski")
    await erin.goto(f"/requests/{request}")
    await expect(erin.get_by_role("heading", level=1)).to_have_text("There is nothing here for you")
    await erin.get_by_role("link", name="Back to the start").click()
    await expect(erin.get_by_role("navigation", name="Main")).to_be_visible()


async def test_R17_person_adds_a_webhook_sees_its_secret_once_changes_and_removes_it(
    visitors: Visitors,
) -> None:
    visitors.expected.append("422")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/notifications")
    await expect(bob.get_by_role("heading", name="You get no notifications yet")).to_be_visible()
    await bob.get_by_label("Webhook").check()
    await bob.get_by_label("Address").fill("https://127.0.0.1/hook")
    await bob.get_by_role("button", name="Add").click()
    await expect(bob.get_by_role("alert")).to_contain_text("not on the public internet")
    await bob.get_by_label("Address").fill("https://hooks.example.com/x")
    await bob.get_by_role("button", name="Add").click()
    await expect(bob.get_by_text("whsec_")).to_be_visible()
    await bob.goto("/notifications")
    await expect(bob.get_by_text("whsec_")).to_have_count(0)
    target = bob.get_by_role("article")
    await expect(target).to_contain_text("Gets every notification.")
    await target.get_by_role("link", name="Change https://hooks.example.com").click()
    await bob.get_by_label("An approval was given").uncheck()
    await bob.get_by_label("Send them").uncheck()
    await fits(bob)
    await bob.get_by_role("button", name="Save").click()
    await expect(target).to_contain_text("Switched off: nothing is sent there.")
    await expect(target).to_contain_text("A rejection was given")
    await expect(target).not_to_contain_text("An approval was given")
    await bob.get_by_role("button", name="Remove https://hooks.example.com").click()
    await expect(bob.get_by_role("heading", name="You get no notifications yet")).to_be_visible()


async def test_R14_undecided_request_expires_while_its_requester_watches(
    visitors: Visitors,
) -> None:
    policy = {
        "id": "hasty",
        "name": "Hasty things",
        "resource_type": "hasty",
        "approvals": [{"quorum": 1, "groups": ["security"]}],
        "expiry_ms": 4_000,
    }
    await visitors.gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto(f"/requests/{await visitors.gateway.submit_once_protected('hasty/thing')}")
    await status(alice, "Needs approval")
    await status(alice, "Expired")
    await expect(alice.locator("#decide")).to_contain_text("Submit it again if it is still needed")
