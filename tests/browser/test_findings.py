"""R28: a finding in the console, and how a person who answers for its type closes it."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import ReportFinding
from tests.browser.people import PHONE, Visitors, fits
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway
from tests.support.log import Log
from tests.support.reconciling import log_with_reconcilers


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    return await log_with_reconcilers(running.bootstrap, tmp_path_factory.mktemp("keys"))


async def reported(gateway: Gateway, resource: str) -> str:
    """A finding about a change by hand, which the tables have."""
    decided = await gateway.actor.send(
        ReportFinding(
            id=new_command_id(),
            principal="reconciler",
            at=now_ms(),
            resource=resource,
            target="web-servers",
            kind="unexplained",
            version="v7",
            by="Mallory <img src=x>",
            detail="Changed at night.",
            seen_at=now_ms(),
        )
    )
    assert decided.refusal is None, decided.refusal
    finding = f"{decided.partition}-{decided.seq}"
    bob = await gateway.signed_in("bob")
    answer = await bob.get(f"/api/v1/findings/{finding}", headers={"Assent-After": finding})
    assert answer.status_code == 200, answer.text
    return finding


async def test_R28_an_approver_closes_a_finding_and_others_see_it_without_a_reload(
    visitors: Visitors,
) -> None:
    finding = await reported(visitors.gateway, "script/by-hand.sh")
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto("/findings?show=all")
    bob = await visitors.signed_in("Bob Ortega", PHONE)
    await bob.goto(f"/findings#card-{finding}")
    await fits(bob)
    card = bob.locator(f"#card-{finding}")
    await expect(card.get_by_role("heading")).to_contain_text("script/by-hand.sh")
    await expect(card).to_contain_text("web-servers shows a change that no request explains.")
    await expect(card).to_contain_text("v7")
    # What the target states about its author is text, and marked as unchecked.
    await expect(card).to_contain_text("Mallory <img src=x> as the target states, unchecked")
    await expect(card.locator("img")).to_have_count(0)
    await expect(card).to_contain_text("Changed at night.")

    close = card.get_by_role("button", name="Close the finding")
    await close.click()
    # The browser asks for the reason: nothing was sent.
    await expect(close).to_be_visible()
    await card.get_by_label("What explains it").fill("An emergency at night, ticket OPS-7.")
    await close.click()
    await expect(bob.locator(f"#card-{finding}")).to_have_count(0)

    closed = alice.locator(f"#card-{finding}")
    # No event reports a finding: the page asks every half minute.
    await expect(closed).to_contain_text("Closed by", timeout=45_000)
    await expect(closed).to_contain_text("An emergency at night, ticket OPS-7.")
    await expect(closed.get_by_role("button")).to_have_count(0)


async def test_R28_who_answers_for_other_types_does_not_see_it(visitors: Visitors) -> None:
    finding = await reported(visitors.gateway, "script/unseen.sh")
    erin = await visitors.signed_in("Erin Kowalski")
    await erin.goto("/findings?show=all")
    await expect(erin.get_by_role("heading", name="No findings")).to_be_visible()
    await expect(erin.locator(f"#card-{finding}")).to_have_count(0)
