"""The console as its HTML says it, without a browser: forms that are filled in and sent, and links."""

import html
import re
from typing import Any

import httpx

HTML = {"accept": "text/html"}


class ConsolePage:
    """A page that came."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.text = answer.text

    @property
    def code(self) -> str:
        """The code on a page that is a problem and nothing else."""
        found = re.search(r'<p class="fine">.*?<code>([a-z-]+)</code>', self.text)
        return found[1] if found else ""

    def value(self, field: str) -> str:
        """What a hidden or one-line field holds."""
        found = re.search(rf'<input[^>]* name="{re.escape(field)}"[^>]* value="([^"]*)"', self.text)
        assert found is not None, f"no {field} in {self.text}"
        return html.unescape(found[1])

    def link(self, words: str) -> str:
        """Where the link that holds these words leads."""
        for href, inner in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', self.text, re.DOTALL):
            if words in re.sub(r"<[^>]*>", "", inner):
                return html.unescape(href)
        raise AssertionError(f"no link {words!r} in {self.text}")


async def load(client: httpx.AsyncClient, path: str, **params: str) -> ConsolePage:
    """Load a page, whatever comes."""
    return ConsolePage(await client.get(path, params=params or None, headers=HTML))


async def post(client: httpx.AsyncClient, path: str, fields: dict[str, Any]) -> httpx.Response:
    """Send a form as a browser does; the answer, whatever it is. `fields` lacks `csrf` unless it says it."""
    request = client.build_request("POST", path, data=fields, headers=HTML)
    request.headers.pop("x-csrf-token", None)
    return await client.send(request)
