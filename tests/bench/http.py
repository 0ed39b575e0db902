"""An HTTP client that costs little next to the gateway: prebuilt requests, answers read by length."""

import asyncio
import re
from urllib.parse import urlsplit

import httpx
import msgspec

from assent_contracts.codec import encode
from tests.support.local_token import LINK

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


class Person(msgspec.Struct, frozen=True):
    """A person who has signed in."""

    url: str
    cookie: str
    csrf: str

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the gateway."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def get(self, path: str) -> bytes:
        """A GET request's bytes."""
        return f"GET {path} HTTP/1.1\r\n{self._headers()}\r\n".encode()

    def post(self, path: str, body: object) -> bytes:
        """A POST request's bytes."""
        encoded = encode(body)
        headers = f"{self._headers()}Content-Type: application/json\r\nContent-Length: {len(encoded)}\r\n"
        return f"POST {path} HTTP/1.1\r\n{headers}X-CSRF-Token: {self.csrf}\r\n\r\n".encode() + encoded

    def _headers(self) -> str:
        return f"Host: {urlsplit(self.url).netloc}\r\nCookie: {self.cookie}\r\n"


async def sign_in(url: str, principal: str) -> Person:
    """Sign in as one of the demo's people."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        await client.get(LINK)
        answer = await client.post("/sign-in/local", data={"principal": principal})
        assert answer.status_code == 303, answer.text
        csrf = (await client.get("/api/v1/me")).json()["csrf"]
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return Person(url, cookie, csrf)


class Connections:
    """Keep-alive connections to one gateway: one per concurrent request, the last used one first."""

    def __init__(self, person: Person) -> None:
        self._place = person.place
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """(status, body)"""
        while self._idle:
            reader, writer = self._idle.pop()
            # The gateway closes connections that were idle for long.
            if not reader.at_eof() and not writer.is_closing():
                break
        else:
            reader, writer = await asyncio.open_connection(*self._place, limit=1 << 22)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        self._idle.append((reader, writer))
        return int(head[9:12]), body

    def close(self) -> None:
        """Close them all."""
        for _, writer in self._idle:
            writer.close()
