"""`python -m tests.browser.pictures FOLDER`: a picture of each page, light, dark and on a phone.

They show a gateway on a real log with a day of the demo's changes; `console.png` is used in the README.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from playwright.async_api import Browser, Page, async_playwright

from assent.infra_files import infra_path
from tests.browser.people import DESK, PHONE, Scheme, Visitors
from tests.support.gateway import Gateway, everything
from tests.support.log import following, fresh_log
from tests.support.stack import endpoints

_SHARP: Final[dict[str, Any]] = {**DESK, "device_scale_factor": 2}
_LOOKS: Final[dict[str, tuple[dict[str, Any], Scheme]]] = {
    "light": (_SHARP, "light"),
    "dark": (_SHARP, "dark"),
    "phone": (PHONE, "light"),
}


class Day(msgspec.Struct, frozen=True):
    """The requests of the day that the pages show."""

    edit: str
    """Waits for bob: an edit of a script that was applied earlier."""
    approved: str
    """Alice can complete it."""
    failed: str
    policy: str
    """A change to a policy that waits for carol."""


def main(folder: Path) -> None:
    """Take all pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_take_all(folder))
    shutil.copy(folder / "light-request-edit.png", folder / "console.png")


async def _take_all(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data:
        async with _gateway(Path(data)) as gateway, _chromium() as browser:
            day = await played(gateway)
            for look in _LOOKS:
                await _take(folder, look, Visitors(browser, gateway), day)


@asynccontextmanager
async def _gateway(data: Path) -> AsyncIterator[Gateway]:
    (data / "keys").mkdir()
    async with endpoints(data / "stack") as running:
        log = await fresh_log(running.bootstrap, data / "keys")
        async with following(log) as follower, everything(log, follower, running.dsn) as gateway:
            yield gateway


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path is not None, "There is no Chromium here."
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def played(gateway: Gateway) -> Day:
    """The day: what is requested, decided, applied and refused."""
    sshd = _change("script/harden-sshd.sh")
    await _applied(gateway, "script/harden-sshd.sh", sshd, "First hardening of the build hosts.")
    await _applied(
        gateway, "script/rotate-logs.sh", _change("script/rotate-logs.sh"), "Disks fill up on site 4."
    )
    failed = await gateway.released(
        "script/disable-smb1.ps1", payload=_change("script/disable-smb1.ps1"), justification="CVE follow-up."
    )
    await gateway.applied(
        failed, "script/disable-smb1.ps1", "failed", message="2 of 40 devices: access is denied (0x80070005)"
    )
    rejected = (
        await gateway.submit(
            "script/bitlocker-escrow.ps1",
            payload=_change("script/bitlocker-escrow.ps1"),
            justification="Recovery keys of the kiosks are not escrowed yet.",
        )
    )["request"]
    await gateway.show(rejected, after=rejected)
    note = "Escrow is paused until the key rotation is done."
    await gateway.act(rejected, "reject", "carol", note=note)
    portal = await gateway.submit(
        "app/company-portal",
        payload=msgspec.json.decode((infra_path("demo/changes") / "app/company-portal.json").read_bytes()),
        justification="Version 12.4 fixes the sign-in loop that the service desk sees every morning.",
    )
    await gateway.approve(portal["request"], "carol", note="Version and hash match the vendor's.")
    approved = (
        await gateway.submit(
            "script/clean-temp-profiles.ps1",
            payload=_change("script/clean-temp-profiles.ps1"),
            justification="Shared kiosks run out of space.",
        )
    )["request"]
    await gateway.approve(approved, "bob", note="HashedReference on the pilot ring.")
    await gateway.submit(
        "script/firewall-baseline.sh",
        principal="bob",
        operation="create",
        payload=_change("script/firewall-baseline.sh"),
        justification="The baseline of 2026-11, as in the change calendar.",
    )
    edit = (
        await gateway.submit(
            "script/harden-sshd.sh",
            payload=_edited(sshd),
            justification="Auditors want two tries at most, and idle sessions cut after five minutes.",
        )
    )["request"]
    await gateway.show(edit, after=edit)
    await gateway.act(edit, "approve", "alice", submission="0" * 64)
    return Day(edit, approved, failed, await _policy(gateway))


def _change(resource: str) -> str:
    return (infra_path("demo/changes") / resource).read_text()


def _edited(script: str) -> str:
    changed = script.replace("MaxAuthTries 3", "MaxAuthTries 2").replace(
        "ClientAliveCountMax 2\n", "ClientAliveCountMax 1\nMaxSessions 4\n"
    )
    assert changed != script
    return changed


async def _applied(gateway: Gateway, resource: str, payload: str, justification: str) -> None:
    request = await gateway.released(resource, payload=payload, justification=justification)
    await gateway.applied(request, resource)


async def _policy(gateway: Gateway) -> str:
    policy = {
        "id": "firewalls",
        "name": "Firewall rules",
        "description": "Rules of the edge need both teams.",
        "resource_type": "firewall",
        "approvals": [
            {"quorum": 2, "groups": ["security"]},
            {"quorum": 1, "groups": ["endpoint-admins"]},
        ],
    }
    bob = await gateway.signed_in("bob")
    body = {
        "change": {"type": "assent.create-policy.v1", "policy": policy},
        "justification": "The edge is open to whoever can push.",
    }
    asked = await bob.post("/api/v1/governance/changes", json=body)
    assert asked.status_code == 201, asked.text
    return asked.json()["request"]


async def _take(folder: Path, look: str, visitors: Visitors, day: Day) -> None:
    screen, scheme = _LOOKS[look]
    window = await visitors.window(screen, scheme=scheme)
    await window.goto("/sign-in")
    await _shot(window, folder / f"{look}-sign-in.png")
    for name, pages in _pages(day).items():
        page = await visitors.signed_in(name, screen, scheme=scheme)
        for title, path in pages:
            await page.goto(path)
            await _shot(page, folder / f"{look}-{title}.png")
    await _policy_preview(page, folder / f"{look}-policy-preview.png")
    await page.goto("/received")
    if look == "phone":
        await page.get_by_role("button", name="Menu").click()
        await page.screenshot(path=folder / "phone-menu.png")
    await visitors.close()


def _pages(day: Day) -> dict[str, Sequence[tuple[str, str]]]:
    """Page by the name of its picture, for each viewer."""
    return {
        "Alice Miller": (
            ("mine", "/requests"),
            ("request-to-complete", f"/requests/{day.approved}"),
            ("request-failed", f"/requests/{day.failed}"),
            ("new-request", "/requests/new"),
        ),
        "Dave Osei": (("audit", "/audit"),),
        "Carol Chen": (("request-policy", f"/requests/{day.policy}"),),
        "Bob Ortega": (
            ("received", "/received"),
            ("received-ended", "/received?show=ended"),
            ("request-edit", f"/requests/{day.edit}"),
            ("policies", "/policies"),
            ("policy-form", "/policies/edit?id=scripts"),
            ("policy-delete", "/policies/delete?id=apps"),
            ("groups", "/groups"),
            ("roles", "/roles"),
            ("settings", "/settings"),
            ("notifications", "/notifications"),
            ("health", "/health"),
        ),
    }


async def _policy_preview(page: Page, path: Path) -> None:
    await page.goto("/policies/edit?id=scripts")
    await page.get_by_label("How many people").first.fill("2")
    await page.get_by_role("button", name="See what will happen").click()
    await page.get_by_role("button", name="Request it").wait_for()
    await _shot(page, path)


async def _shot(page: Page, path: Path) -> None:
    """The first screenful on a desktop, which people see; the whole page on a phone."""
    await page.wait_for_load_state("load")
    await page.screenshot(path=path, full_page=path.name.startswith("phone"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
