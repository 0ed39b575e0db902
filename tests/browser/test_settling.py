"""An unknown outcome in the console: what is known, the ways to settle it, and what others see of it."""

from typing import Any

from playwright.async_api import expect

from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Claim, ReportOutcome
from tests.browser.people import PHONE, Visitors, fits
from tests.support.gateway import Gateway
from tests.support.log import APPLIER

RESOURCE = "script/lost.sh"


async def lost(gateway: Gateway) -> str:
    """A request whose applier does not know what it did."""
    request = await gateway.released(RESOURCE, justification="Disks fill up on site 4.")
    about: dict[str, Any] = {"at": now_ms(), "principal": APPLIER, "resource": RESOURCE, "request": request}
    for command in (
        Claim(id=new_command_id(), **about),
        ReportOutcome(id=new_command_id(), outcome="unknown", message="Site 4 went away.", **about),
    ):
        decided = await gateway.actor.send(command)
        assert decided.refusal is None, decided.refusal
    await gateway.show(request, after=f"{decided.partition}-{decided.seq}")
    return request


async def test_administrator_has_an_unknown_outcome_tried_again_and_its_requester_sees_it(
    visitors: Visitors,
) -> None:
    request = await lost(visitors.gateway)
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto(f"/requests/{request}")
    await expect(alice.locator("#decide")).to_contain_text("Site 4 went away.")
    await expect(alice.locator("#able")).to_contain_text("Carol Chen")
    await expect(alice.get_by_role("button", name="Settle the outcome")).to_have_count(0)

    carol = await visitors.signed_in("Carol Chen", PHONE)
    await carol.goto(f"/requests/{request}")
    await fits(carol)
    await expect(carol.get_by_role("heading", name="Was it applied?")).to_be_visible()
    await expect(carol.locator("#decide")).to_contain_text("claimed the change")
    await carol.get_by_role("button", name="Settle the outcome").click()
    # The browser asks for a choice and a reason: nothing was sent.
    await expect(carol.locator("#settle-succeeded")).to_be_visible()
    await carol.get_by_label("Apply it again").check()
    await carol.get_by_label("Reason").fill("The disks of site 4 are as they were.")
    await carol.get_by_role("button", name="Settle the outcome").click()
    await expect(carol.locator("#done .status")).to_have_text("Approved, waiting for an applier")

    # Without a reload.
    await expect(alice.locator("#done .status")).to_have_text("Approved, waiting for an applier")
    await expect(alice.locator(".timeline")).to_contain_text("had the change released again")
    await expect(alice.locator(".timeline")).to_contain_text("The disks of site 4 are as they were.")
    await visitors.gateway.applied(request, RESOURCE)
    await expect(alice.locator("#done .status")).to_have_text("Completed")
