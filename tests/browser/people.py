"""People with a browser window each, and what their windows must never show."""

from typing import Any, Final, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from assent.gateway.identity.local_token import COOKIE
from tests.support.gateway import Gateway
from tests.support.local_token import KEPT, LINK

DESK: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 860}}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
Scheme = Literal["light", "dark"]


class Visitors:
    """Opens windows. Collects console errors, CSP violations, and requests to other hosts."""

    def __init__(self, browser: Browser, gateway: Gateway) -> None:
        self.gateway = gateway
        self.url = gateway.url
        self.complaints: list[str] = []
        self.expected: list[str] = []
        """Parts of error messages that a test provokes: a refusal is an answer with status 4xx."""
        self.browser = browser
        self._contexts: list[BrowserContext] = []

    async def window(self, screen: dict[str, Any] | None = None, *, scheme: Scheme = "light") -> Page:
        """A window of a visitor who has opened this start's link and has not signed in."""
        context = await self.browser.new_context(
            **(screen or DESK), color_scheme=scheme, reduced_motion="reduce", base_url=self.url
        )
        self._contexts.append(context)
        await context.add_cookies([{"name": COOKIE, "value": KEPT, "url": f"{self.url}/sign-in"}])
        page = await context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._on_request)
        return page

    async def signed_in(
        self, name: str, screen: dict[str, Any] | None = None, *, scheme: Scheme = "light"
    ) -> Page:
        """A window of one of the demo's people, signed in by the link and the button with their name."""
        page = await self.window(screen, scheme=scheme)
        await page.goto(LINK)
        await page.get_by_role("button", name=f"Sign in as {name}", exact=False).first.click()
        await expect(page.get_by_role("main")).to_be_visible()
        return page

    async def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            await context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        known = any(part in message.text for part in self.expected)
        if message.type in ("error", "warning") and not known:
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"another host: {request.url}")


async def fits(page: Page) -> None:
    """The page does not scroll sideways."""
    wide = await page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, f"{page.url} is {wide} px too wide"
