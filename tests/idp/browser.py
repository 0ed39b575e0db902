"""A person's browser, as far as a sign-in needs one: cookies, redirects, and the provider's form."""

import html
import re
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from assent.gateway.identity.oidc import CALLBACK

_FORM: Final = re.compile(r'<form[^>]*\baction="([^"]+)"', re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([a-z]+)=["']([^"']*)["']""")
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_STEPS_MAX: Final = 12
SESSION: Final = "assent"
SIGN_IN: Final = "assent-sign-in"


class Browser:
    """One browser with its cookies, at one gateway."""

    def __init__(self, gateway: str) -> None:
        """`gateway`: its public address."""
        self.gateway = gateway
        self.http = httpx.AsyncClient(timeout=30, trust_env=False, follow_redirects=False)

    async def get(self, url: str, **more: Any) -> httpx.Response:
        """Open an address: a path of the gateway, or any URL."""
        return await self._send("GET", url, **more)

    async def post(self, url: str, **more: Any) -> httpx.Response:
        """Send a form or an API call."""
        return await self._send("POST", url, **more)

    async def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        for cookie in self.http.cookies.jar:
            # Browsers send Secure cookies to http://localhost; Python's cookie jar never does.
            cookie.secure = False
        return await self.http.request(method, self.gateway + url if url.startswith("/") else url, **more)

    async def leave(self, return_to: str | None = None) -> str:
        """Begin to sign in; returns the provider's address."""
        answer = await self.get("/sign-in", params={"return_to": return_to} if return_to is not None else {})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def at_provider(self, url: str, name: str, password: str | None = None) -> str:
        """Follow the provider from `url` and fill in its form, if any; returns the callback's address."""
        answer, filled_in = await self.get(url), False
        for _ in range(_STEPS_MAX):
            if answer.is_redirect:
                there = str(answer.url.join(answer.headers["location"]))
                if there.startswith(self.gateway + CALLBACK):
                    return there
                answer = await self.get(there)
                continue
            found = _FORM.search(answer.text)
            asks = 'name="username"' in answer.text
            if found is None or (asks and filled_in):
                break
            filled_in = filled_in or asks
            person = {"username": name, "password": f"{name}-password" if password is None else password}
            # A form without a name is one that the page's own script would submit.
            fields = person if asks else {key: html.unescape(value) for key, value in _hidden(answer.text)}
            answer = await self.post(str(answer.url.join(html.unescape(found[1]))), data=fields)
        raise NotLetInError(f"{answer.status_code} {answer.url} {_words(answer.text)}")

    async def sign_in(self, name: str, return_to: str | None = None) -> httpx.Response:
        """The whole sign-in; returns the gateway's answer to the callback."""
        return await self.get(await self.at_provider(await self.leave(return_to), name))

    async def me(self) -> httpx.Response:
        """The signed-in person, as the API reports it."""
        return await self.get("/api/v1/me")

    def cookie(self, name: str = SESSION) -> str | None:
        """A cookie's value."""
        return next((each.value for each in self.http.cookies.jar if each.name == name), None)


class NotLetInError(Exception):
    """The provider did not redirect the person back; the message has its last page."""


def _hidden(page: str) -> list[tuple[str, str]]:
    inputs = [dict(_ATTRIBUTE.findall(each)) for each in re.findall(r"<input[^>]*>", page)]
    return [(each["name"], each.get("value", "")) for each in inputs if each.get("type") == "hidden"]


def _words(page: str) -> str:
    return " ".join(_TAGS.sub(" ", page).split())[:2_000]


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address, each of them once."""
    found = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values()), url
    return {name: values[0] for name, values in found.items()}
