"""Chromium in front of a running gateway, with the demo's people."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from assent_contracts.client.follower import GovernanceFollower
from tests.browser.people import Visitors
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, everything
from tests.support.log import Log
from tests.support.optional_tools import skip_or_fail


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        skip_or_fail("There is no Chromium here: apt-get install chromium")
    async with async_playwright() as playwright:
        # Chromium's own sandbox cannot start as root.
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module")
async def gateway(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    """Decider, status, audit and one gateway, for this module, on a newly founded log."""
    async with everything(log, follower, running.dsn) as started:
        yield started


@pytest_asyncio.fixture
async def visitors(chromium: Browser, gateway: Gateway) -> AsyncIterator[Visitors]:
    """Browser windows of people; at the end none of them may have reported an error."""
    made = Visitors(chromium, gateway)
    yield made
    complaints = list(made.complaints)
    async with asyncio.timeout(30):
        await made.close()
    assert complaints == []
