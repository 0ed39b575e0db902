"""Pages that update themselves through disconnections and restarts, and keep what the reader has opened."""

import asyncio
import re
from typing import Any, Final

from playwright.async_api import Page, Route, expect

from tests.browser.people import PHONE, Visitors
from tests.support.gateway import answering, gateway_settings
from tests.support.losses import known_beyond
from tests.support.stack import until

_LINES: Final = [f"echo step {number}" for number in range(120)]
_LATE_MS: Final = 20_000
"""A page that was disconnected reconnects after a while."""


async def changes(visitors: Visitors, resource: str) -> str:
    """A change that bob's pages show."""
    return (await visitors.gateway.submit(resource, justification="It changes."))["request"]


async def edited(visitors: Visitors, name: str, **fields: Any) -> str:
    """A request for an edit of a script that was applied earlier."""
    first = await visitors.gateway.released(f"script/{name}", payload="\n".join(_LINES), **fields)
    await visitors.gateway.applied(first, f"script/{name}")
    after = [*_LINES[:60], "echo new", *_LINES[61:]]
    return (await visitors.gateway.submit(f"script/{name}", payload="\n".join(after), **fields))["request"]


async def refused_streams(page: Page, status: int) -> asyncio.Event:
    """From now on streams are answered with this status, until the event is set."""
    over = asyncio.Event()

    async def answer(route: Route) -> None:
        if over.is_set():
            await route.continue_()
        else:
            await route.fulfill(status=status, body="no")

    await page.route("**/api/v1/events*", answer)
    return over


async def test_page_whose_stream_was_refused_reconnects_by_itself(visitors: Visitors) -> None:
    """A proxy's 503 during a deploy, or a 429: an EventSource gives up for good after them."""
    visitors.expected += ["503", "429"]
    for status in (503, 429):
        bob = await visitors.signed_in("Bob Ortega")
        over = await refused_streams(bob, status)
        await bob.goto("/received")
        await expect(bob.locator("#offline")).to_be_visible(timeout=_LATE_MS)
        request = await changes(visitors, f"script/refused-{status}.sh")
        over.set()
        await expect(bob.locator(f"#r-{request}")).to_be_visible(timeout=_LATE_MS)
        await expect(bob.locator("#offline")).to_be_hidden()


async def test_page_continues_after_its_gateway_was_restarted(visitors: Visitors) -> None:
    visitors.expected += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"]
    visitors.expected += ["ERR_CONNECTION_RESET", "htmx:"]
    gateway, settings = visitors.gateway, gateway_settings()
    second = Visitors(visitors.browser, gateway)
    second.expected = visitors.expected
    async with answering(gateway.log, gateway.dsn, settings) as url:
        second.url = url
        bob = await second.signed_in("Bob Ortega")
        await bob.goto("/received")
        await expect(bob.get_by_role("heading", level=1)).to_be_visible()
    request = await changes(visitors, "script/while-away.sh")
    await expect(bob.locator("#offline")).to_be_visible(timeout=_LATE_MS)
    async with answering(gateway.log, gateway.dsn, settings):
        await expect(bob.locator(f"#r-{request}")).to_be_visible(timeout=_LATE_MS)
        await expect(bob.locator("#offline")).to_be_hidden(timeout=_LATE_MS)
        await second.close()
    assert second.complaints == []


async def test_change_that_failed_to_load_is_loaded_later(visitors: Visitors) -> None:
    visitors.expected.append("503")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/received")
    asked = asyncio.Event()

    async def answer(route: Route) -> None:
        if asked.is_set():
            await route.continue_()
        else:
            asked.set()
            await route.fulfill(status=503, body="no")

    await bob.route("**/received", answer)
    request = await changes(visitors, "script/by-and-by.sh")
    await asyncio.wait_for(asked.wait(), 10)
    await expect(bob.locator(f"#r-{request}")).to_be_visible(timeout=_LATE_MS)


async def test_page_restored_from_the_back_forward_cache_is_live_again(visitors: Visitors) -> None:
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/received")
    await bob.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    missed = await changes(visitors, "script/missed.sh")
    await bob.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    await expect(bob.locator(f"#r-{missed}")).to_be_visible()
    request = await changes(visitors, "script/after-memory.sh")
    await expect(bob.locator(f"#r-{request}")).to_be_visible()


async def test_page_whose_session_has_ended_goes_to_sign_in_and_returns(visitors: Visitors) -> None:
    visitors.expected.append("401")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/requests?show=open")
    # From the session, not from the link.
    await bob.context.clear_cookies(path="/")
    await changes(visitors, "script/signed-out.sh")
    await bob.wait_for_url(re.compile(r"/sign-in\?return_to="))
    await bob.get_by_role("button", name="Sign in as Bob Ortega").click()
    await expect(bob).to_have_url(re.compile(r"/requests\?show=open$"))


async def test_text_being_written_survives_the_end_of_the_session(
    visitors: Visitors,
) -> None:
    visitors.expected.append("401")
    alice = await visitors.signed_in("Alice Miller")
    await alice.goto("/requests/new")
    await alice.get_by_label("Justification").fill("Half a page of reasons.")
    await alice.context.clear_cookies()
    await changes(visitors, "script/writing.sh")
    await expect(alice.get_by_text("Your session has ended")).to_be_visible()
    await expect(alice.get_by_label("Justification")).to_have_value("Half a page of reasons.")
    link = alice.locator("#ended a")
    assert await link.get_attribute("href") == "/sign-in?return_to=%2Frequests%2Fnew"


async def test_open_scrolled_and_focused_elements_stay_so_when_the_request_changes(
    visitors: Visitors,
) -> None:
    request = await edited(visitors, "kept.sh")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    await bob.locator("#fold-1 summary").click()
    await bob.locator("#whole-head").click()
    await bob.locator("#whole-head").focus()
    await bob.evaluate("scrollTo(0, 300)")
    before = await bob.locator("#request").get_attribute("data-version")
    submission = (await visitors.gateway.show(request, after=request))["request"]["submission"]
    # Refused, and recorded: the page has one more line.
    await visitors.gateway.act(request, "approve", "alice", submission=submission)
    await visitors.gateway.approve(request, "carol")
    await expect(bob.locator("#done .status")).to_have_text("Approved")
    assert await bob.locator("#request").get_attribute("data-version") != before
    assert await bob.locator("#fold-1").get_attribute("open") is not None
    assert await bob.locator("#whole").get_attribute("open") is not None
    # Near its old position: content inserted above may have moved it.
    await until(lambda: _is_scrolled(bob, 100))
    await expect(bob.locator("#whole-head")).to_be_focused()


async def test_change_during_a_slow_reload_is_shown_too(visitors: Visitors) -> None:
    request = await edited(visitors, "slow.sh")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto(f"/requests/{request}")
    submission = (await visitors.gateway.show(request, after=request))["request"]["submission"]
    fetched, arrives = asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        answer = await route.fetch()
        fetched.set()
        await arrives.wait()
        await route.fulfill(response=answer)

    await bob.route(f"**/requests/{request}", slowly, times=1)
    # Refused, and recorded: the page reloads, and its answer takes long.
    await visitors.gateway.act(request, "approve", "alice", submission=submission)
    await asyncio.wait_for(fetched.wait(), 20)
    await visitors.gateway.approve(request, "carol")
    # The page has heard of it by then, and reloads at most once a second.
    await bob.wait_for_timeout(2_500)
    arrives.set()
    await expect(bob.locator("#done .status")).to_have_text("Approved")


async def _is_scrolled(page: Page, top: int) -> bool:
    return await page.evaluate("scrollY") >= top


async def test_focus_stays_in_lists_and_in_the_navigation(visitors: Visitors) -> None:
    bob = await visitors.signed_in("Bob Ortega")
    first = await changes(visitors, "script/focused.sh")
    await bob.goto("/received")
    for number, place in enumerate((bob.locator(f"#r-{first} a"), bob.locator("#nav-people"))):
        await place.focus()
        request = await changes(visitors, f"script/focus-{number}.sh")
        await expect(bob.locator(f"#r-{request}")).to_be_visible()
        await expect(place).to_be_focused()


async def test_each_change_is_announced_once_and_only_after_it_is_shown(visitors: Visitors) -> None:
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/received")
    await bob.evaluate(
        """() => {
          window.said = [];
          const place = document.querySelector("#announce");
          new MutationObserver(() => window.said.push(
            [place.textContent, document.querySelectorAll("[data-request]").length],
          )).observe(place, { childList: true, characterData: true, subtree: true });
        }"""
    )
    for number in (1, 2):
        there = await bob.locator("[data-request]").count()
        await changes(visitors, f"script/announced-{number}.sh")
        await until(lambda number=number: _said(bob, number))
        told = [rows for words, rows in await bob.evaluate("() => window.said") if words]
        assert told[-1] == there + 1, "said before it was there"
    said = [words for words, _ in await bob.evaluate("() => window.said")]
    # Empty between the two: a screen reader does not repeat the same words in the same place.
    assert said == ["The list has changed.", "", "The list has changed."]
    # An event that does not change this list.
    await bob.goto("/requests?show=ended")
    await bob.evaluate("() => htmx.trigger(document.querySelector('#list'), 'assent:changed')")
    async with bob.expect_response("**/requests?show=ended"):
        await bob.evaluate("() => htmx.trigger(document.querySelector('#list'), 'assent:changed')")
    await expect(bob.locator("#announce")).to_be_empty()


async def _said(page: Page, times: int) -> bool:
    return len([words for words, _ in await page.evaluate("() => window.said") if words]) == times


async def test_waiting_count_and_rules_are_updated_on_every_page(visitors: Visitors) -> None:
    """The count in the navigation, also on pages with forms; and policies, groups and the audit log."""
    places = ("/policies", "/groups", "/roles", "/settings", "/audit", "/notifications", "/health")
    forms = ("/requests/new", "/policies/new", "/policies/edit?id=scripts", "/policies/delete?id=scripts")
    carol = await visitors.signed_in("Carol Chen")
    for turn, path in enumerate((*places, *forms)):
        await carol.goto(path)
        count = carol.get_by_role("navigation", name="Main").locator(".count")
        before = await count.inner_text() if await count.count() else "0"
        number = int(re.sub(r"\D", "", before) or 0)
        await changes(visitors, f"script/counted-{turn}.sh")
        await expect(count).to_contain_text(f"{number + 1}")


async def test_count_beside_the_phone_menu_is_updated(visitors: Visitors) -> None:
    bob = await visitors.signed_in("Bob Ortega", PHONE)
    await changes(visitors, "script/phone-1.sh")
    await bob.goto("/settings")
    count = bob.locator("#menu-count")
    before = await count.inner_text()
    await changes(visitors, "script/phone-2.sh")
    await expect(count).not_to_have_text(before)


async def test_form_keeps_its_input_while_the_page_around_it_changes(visitors: Visitors) -> None:
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/policies/new")
    await bob.get_by_label("Name", exact=True).fill("Half written")
    count = bob.get_by_role("navigation", name="Main").locator(".count")
    before = await count.inner_text() if await count.count() else ""
    await changes(visitors, "script/around-form.sh")
    await expect(count).not_to_have_text(before) if before else await expect(count).to_be_visible()
    await expect(bob.get_by_label("Name", exact=True)).to_have_value("Half written")
    await expect(bob.get_by_label("Name", exact=True)).to_be_focused()


async def test_R16_audit_log_and_rules_show_changes_without_a_reload(visitors: Visitors) -> None:
    carol, dave = await visitors.signed_in("Carol Chen"), await visitors.signed_in("Dave Osei")
    await carol.goto("/groups")
    await dave.goto("/audit?who=bob")
    group = {"id": "night", "name": "Night watch", "members": ["erin"]}
    await visitors.gateway.governed({"type": "assent.define-group.v1", "group": group})
    await expect(carol.get_by_role("heading", name="Night watch")).to_be_visible()
    await expect(dave.get_by_role("row").filter(has_text="group/night").first).to_be_visible(timeout=_LATE_MS)


async def test_health_shows_a_failure_that_causes_no_event(visitors: Visitors) -> None:
    visitors.expected.append("ERR_FAILED")
    bob = await visitors.signed_in("Bob Ortega")
    await bob.route("**/api/v1/events*", lambda route: route.abort())
    await bob.goto("/health")
    await expect(bob.get_by_text("All is well")).to_be_visible()

    async def broken(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(
            response=response, body=(await response.text()).replace("All is well", "It broke")
        )

    await bob.route("**/health", broken)
    await expect(bob.get_by_text("It broke")).to_be_visible(timeout=_LATE_MS)


async def test_single_key_shortcuts_can_be_switched_off_and_stay_off(visitors: Visitors) -> None:
    """WCAG 2.1.4."""
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/policies")
    await bob.get_by_role("button", name="Keyboard").click()
    await bob.get_by_label("Use these keys").uncheck()
    await bob.keyboard.press("Escape")
    await bob.reload()
    for key in ("?", "g", "r"):
        await bob.keyboard.press(key)
    await expect(bob.get_by_role("dialog")).to_be_hidden()
    await expect(bob).to_have_url(re.compile("/policies$"))
    await bob.get_by_role("button", name="Keyboard").click()
    await bob.get_by_label("Use these keys").check()
    await bob.keyboard.press("Escape")
    await bob.locator("main").focus()
    await bob.keyboard.press("g")
    await bob.keyboard.press("r")
    await bob.wait_for_url("**/received")


async def test_open_page_reports_without_a_reload_that_part_of_the_log_is_lost(visitors: Visitors) -> None:
    gateway = visitors.gateway
    bob = await visitors.signed_in("Bob Ortega")
    await bob.goto("/received")
    lost = bob.get_by_role("status").filter(has_text="Part of the log is lost")
    await expect(lost).to_be_hidden()
    async with known_beyond(gateway.log, gateway.dsn, 1):
        await expect(lost).to_contain_text(
            "records that the log no longer has (assent.ledger/1)", timeout=_LATE_MS
        )
        await expect(bob.locator("#foot")).not_to_contain_text("Up to date")
        await lost.get_by_role("link").click()
        await expect(bob.locator("#health")).to_contain_text("assent.ledger/1 ends at offset")
        await bob.goto("/received")
        await expect(lost).to_be_visible()
    await expect(lost).to_be_hidden(timeout=_LATE_MS)
