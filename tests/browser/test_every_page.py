"""Every page, light and dark, on a desktop and on a phone: axe, the width, and harmful texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Page, expect

from assent_contracts.client.publisher import now_ms
from tests.browser.people import DESK, PHONE, Scheme, Visitors, fits
from tests.support.gateway import Gateway

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
PAGES = (
    *("/received", "/requests", "/requests/all", "/requests?show=ended", "/requests/new", "/policies"),
    *("/received?find=axe&order=newest", "/requests/all?find=nothing-is-called-so"),
    *(
        "/policies/new",
        "/policies/edit?id=scripts",
        "/policies/delete?id=scripts",
        "/groups",
        "/roles",
        "/settings",
    ),
    *("/audit", "/audit?who=nobody", "/findings", "/notifications", "/health", "/no-such-page"),
)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
OF_COLOUR = ("color-contrast", "link-in-text-block")
"""The rules of axe that a scheme can break: of all else, the light page and the dark one are the same."""
HARM = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202e javascript:alert(3)'


async def findings(page: Page, *, rules: Sequence[str] = ()) -> list[tuple[str, list[str]]]:
    """The serious findings of axe, by these rules or by all."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE)
    # It checks everything all the same, and returns only what is wrong.
    asked: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    result: dict[str, Any] = await page.evaluate("(asked) => axe.run(document, asked)", asked)
    return [
        (each["id"], [node["html"][:160] for node in each["nodes"][:3]])
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
    ]


async def test_axe_finds_a_fault_on_a_faulty_page(visitors: Visitors) -> None:
    """A control: an axe that never finds anything would prove nothing."""
    page = await visitors.window()
    await page.set_content("<html><body><img src=''><input><p style='color:#bbb'>pale</p></body></html>")
    assert {name for name, _ in await findings(page)} >= {"image-alt", "label"}


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_axe_finds_nothing_serious_and_no_page_scrolls_sideways(
    visitors: Visitors, screen: dict[str, Any]
) -> None:
    visitors.expected.append("404")
    request = await visitors.gateway.released(f"script/axe-{screen['viewport']['width']}.sh")
    waiting = await visitors.gateway.submit(f"app/axe-{screen['viewport']['width']}")
    ended = (await visitors.gateway.submit(f"app/axe-ended-{screen['viewport']['width']}"))["request"]
    await visitors.gateway.act(ended, "reject", "carol", note="Not now.")
    page = await visitors.signed_in("Bob Ortega", screen)
    found = {}
    requests = [f"/requests/{each}" for each in (request, waiting["request"], ended)]
    for path in (*PAGES, *requests, f"/requests/new?again={ended}", "/sign-in"):
        await page.goto(path)
        if serious := await looked_at(page):
            found[path] = serious
    assert found == {}


async def looked_at(page: Page) -> list[tuple[Scheme, str, list[str]]]:
    """What is wrong with a page in light and in dark: the findings of axe, and whether it fits."""
    found: list[tuple[Scheme, str, list[str]]] = []
    scheme: Scheme
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await fits(page)
        rules = () if scheme == "light" else OF_COLOUR
        for rule, nodes in await findings(page, rules=rules):
            found.append((scheme, rule, nodes))
    return found


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_axe_finds_nothing_serious_on_pages_reached_by_an_action(
    visitors: Visitors, screen: dict[str, Any]
) -> None:
    """The diff, an approved request, one that has changed since, a preview, targets with dead letters."""
    visitors.expected += ["412", "422"]
    gateway, name = visitors.gateway, f"steps-{screen['viewport']['width']}"
    lines = [f"echo {number}" for number in range(30)]
    first = await gateway.released(f"script/{name}.sh", payload="\n".join(lines))
    await gateway.applied(first, f"script/{name}.sh")
    lines[15] = "echo '<b>' # changed"
    second = (await gateway.submit(f"script/{name}.sh", payload="\n".join(lines)))["request"]
    bob = await visitors.signed_in("Bob Ortega", screen)
    found = {}
    await bob.goto(f"/requests/{second}")
    await bob.locator("#fold-1 summary").click()
    await bob.locator("#whole-head").click()
    found["diff"] = await looked_at(bob)
    await bob.evaluate("() => { document.querySelector('[name=seen]').value = '0'; }")
    await bob.get_by_role("button", name="Approve").click()
    await expect(bob.get_by_role("alert")).to_be_visible()
    found["changed since"] = await looked_at(bob)
    await bob.get_by_role("button", name="Approve").click()
    await expect(bob.get_by_role("button", name="Withdraw my approval")).to_be_visible()
    found["revoke"] = await looked_at(bob)
    alice = await visitors.signed_in("Alice Miller", screen)
    await alice.goto(f"/requests/{second}")
    await expect(alice.get_by_role("button", name="Complete")).to_be_visible()
    found["complete"] = await looked_at(alice)
    await bob.goto("/policies/edit?id=scripts")
    await bob.get_by_label("How many people").first.fill("2")
    await bob.get_by_role("button", name="See what will happen").click()
    await expect(bob.get_by_role("button", name="Request it")).to_be_visible()
    found["preview"] = await looked_at(bob)
    await with_dead_letter(gateway, "bob", f"https://hooks.example.com/{name}", second)
    await bob.goto("/notifications")
    await expect(bob.get_by_role("heading", name="Undelivered messages")).to_be_visible()
    found["notifications"] = await looked_at(bob)
    assert {where: what for where, what in found.items() if what} == {}


async def with_dead_letter(gateway: Gateway, principal: str, url: str, request: str) -> None:
    """A target of theirs, and a message to it that could not be delivered."""
    partition, _, seq = request.partition("-")
    connection = await asyncpg.connect(gateway.dsn)
    try:
        await connection.execute(
            """
            with target as (
              insert into notification_targets (principal, kind, url, secret)
              values ($1, 'webhook', $2, 'whsec_x') returning id
            )
            insert into notifications
              (partition, seq, at, request, event, recipient, target, facts, status, attempts, last_error)
            select $3, $4, $5, $6, 'needs-approval', $1, target.id, '{}', 'dead', 12, 'It answered 503.'
            from target
            """,
            *(principal, url, int(partition), int(seq), now_ms(), request),
        )
    finally:
        await connection.close()


async def test_R16_audit_log_names_the_subject_of_each_governance_change(visitors: Visitors) -> None:
    page = await visitors.signed_in("Dave Osei")
    await page.goto("/audit?who=founder")
    lines = page.get_by_role("row")
    await expect(lines.filter(has_text="created an access policy").first).to_contain_text("access-policy/")
    change = lines.filter(has_text="set the members of a group").first
    await expect(change).to_contain_text("governance/group/")


async def test_text_that_a_person_writes_never_becomes_markup(visitors: Visitors) -> None:
    """Every text that a person writes is shown as it is and has no effect, on any page.

    Names of people, groups, policies and objects, a policy's description, an operation, justification,
    payload, notes of approval and rejection, an applier's message.
    """
    # Not every person may see every page.
    visitors.expected += ["403", "404"]
    gateway = visitors.gateway
    await _harmful_rules(gateway)
    # The name may contain a script that opens a dialog: none may open.
    resource = 'script/"><svg onload=alert(4)>.sh'
    fields = {"justification": HARM, "payload": f"echo '{HARM}'"}
    approved = (await gateway.submit(resource, **fields))["request"]
    await gateway.approve(approved, "carol", note=HARM)
    await gateway.complete(approved)
    await gateway.applied(approved, resource, "failed", message=HARM)
    rejected = (await gateway.submit(resource, **fields))["request"]
    await gateway.show(rejected, after=rejected)
    assert (await gateway.act(rejected, "reject", "carol", note=HARM)).status_code == 200
    harmful = (await gateway.submit("harm/x", operation="x" * 64, justification=HARM))["request"]
    dialogs: list[str] = []
    for who in ("Bob Ortega", "Alice Miller"):
        page = await visitors.signed_in(who)
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        requests = [f"/requests/{each}" for each in (approved, rejected, harmful)]
        forms = ("/requests/new", "/policies/edit?id=harm", "/policies/delete?id=harm")
        lists = ("/received", "/requests", "/requests/all", "/policies", "/groups", "/roles", "/sign-in")
        audit = (f"/audit?request={approved}", f"/audit?request={rejected}", "/audit?who=mallory", "/audit")
        for path in (*requests, *lists, *audit, *(forms if who.startswith("Bob") else forms[:1])):
            await page.goto(path)
            assert await page.locator(_PLANTED).count() == 0, path
            assert "\u202e" not in await page.locator("body").inner_text(), f"{path}: it turns the line round"
    page = await visitors.signed_in("Bob Ortega")
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for request in (approved, rejected):
        await page.goto(f"/requests/{request}")
        text = await page.locator("main").inner_text()
        assert text.count("alert(1)") >= 3, "justification, payload, and what was said"
        assert "49" not in await page.locator(".why").inner_text()
    for path in ("/policies", "/groups", "/roles"):
        await page.goto(path)
        assert "alert(1)" in await page.locator("main").inner_text(), path
    assert dialogs == []


_PLANTED = "img, body script, svg[onload], [onerror], [onload]"


async def _harmful_rules(gateway: Gateway) -> None:
    account = {"id": "mallory", "kind": "human", "person": "mallory", "name": HARM[:100]}
    await gateway.governed({"type": "assent.register-principal.v1", "account": account})
    role = {"id": "harm", "role": "auditor", "principals": ["mallory"]}
    await gateway.governed({"type": "assent.assign-role.v1", "assignment": role})
    group = {"id": "harmful", "name": HARM[:100], "members": ["mallory", "carol", "dave"]}
    await gateway.governed({"type": "assent.define-group.v1", "group": group})
    policy = {
        "id": "harm",
        "name": HARM[:100],
        "description": HARM,
        "resource_type": "harm",
        "approvals": [{"quorum": 1, "groups": ["harmful"]}],
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
