"""The console's HTML without a browser: forms that are filled in and sent, and links."""

import html
import re
from typing import Any

import httpx

HTML = {"accept": "text/html"}


class ConsolePage:
    """A page that was received."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.text = answer.text

    @property
    def code(self) -> str:
        """The code on a page that consists only of a problem."""
        found = re.search(r'<p class="fine">.*?<code>([a-z-]+)</code>', self.text)
        return found[1] if found else ""

    def value(self, field: str) -> str:
        """The value of a hidden or one-line field."""
        found = re.search(rf'<input[^>]* name="{re.escape(field)}"[^>]* value="([^"]*)"', self.text)
        assert found is not None, f"no {field} in {self.text}"
        return html.unescape(found[1])

    def link(self, words: str) -> str:
        """The address of the link that contains these words."""
        for href, inner in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', self.text, re.DOTALL):
            if words in re.sub(r"<[^>]*>", "", inner):
                return html.unescape(href)
        raise AssertionError(f"no link {words!r} in {self.text}")


async def load(client: httpx.AsyncClient, path: str, **params: str) -> ConsolePage:
    """Load a page, with any status."""
    return ConsolePage(await client.get(path, params=params or None, headers=HTML))


async def post(client: httpx.AsyncClient, path: str, fields: dict[str, Any]) -> httpx.Response:
    """Send a form as a browser does; returns the answer. `csrf` is added unless `fields` contains it."""
    request = client.build_request("POST", path, data=fields, headers=HTML)
    request.headers.pop("x-csrf-token", None)
    return await client.send(request)
