"""The HTTP server of sources: every connection ends in time, and every request in one answer."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from assent.receiving import http_server as server
from assent.receiving.http_server import HttpAnswer, HttpRequest, Route


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server that answers with the size of the body, and waits at most a second for anything."""
    monkeypatch.setattr(server, "ANSWERED_WITHIN_S", 1.0)
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 8)
    monkeypatch.setattr(server, "BODIES_MAX_BYTES", 300)

    async def handle(request: HttpRequest) -> HttpAnswer:
        if request.body == b"fail":
            raise RuntimeError("a fault of ours")
        return HttpAnswer(202, f"{len(request.body)} {request.headers.get('x', '')}")

    async def too_large(limit: int) -> HttpAnswer:
        return HttpAnswer(413, f"over {limit}")

    async with server.http_server("127.0.0.1", 0, {"/hook": Route(handle, 100, too_large)}) as started:
        yield started


async def answer(port: int, *parts: bytes) -> bytes:
    """Everything that is answered until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def post(body: bytes, *headers: str, target: str = "/hook") -> bytes:
    lines = [f"POST {target} HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


CHUNKED = b"POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "begins", "ends"),
    [
        (post(b"abc", "x: \xe9"), b"HTTP/1.1 202 ", "3 é\n".encode()),
        (post(b"abc", target="/hook?a=b"), b"HTTP/1.1 202 ", b"3 \n"),
        (post(b"x" * 100), b"HTTP/1.1 202 ", b"100 \n"),
        (post(b"x" * 101), b"HTTP/1.1 413 ", b"over 100\n"),
        (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"HTTP/1.1 202 ", b"5 \n"),
        (CHUNKED + b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n", b"HTTP/1.1 413 ", b"over 100\n"),
        (CHUNKED + b"zz\r\n", b"HTTP/1.1 400 ", b"\n"),
        (post(b"fail"), b"HTTP/1.1 503 ", b"Send it again.\n"),
        (post(b"", target="/other"), b"HTTP/1.1 404 ", b"\n"),
        (b"GET /hook HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 405 ", b"Use POST.\n"),
        (b"POST /hook HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 ", b"\n"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", b"HTTP/1.1 400 ", b"\n"),
        (post(b"a", "content-length: 7"), b"HTTP/1.1 400 ", b"\n"),
        (b"POST /hook HTTP/1.1\r\nhost: x\r\n" + b"a: " + b"x" * 40_000, b"HTTP/1.1 431 ", b"\n"),
    ],
)
async def test_request_has_one_answer(port: int, sent: bytes, begins: bytes, ends: bytes) -> None:
    answered = await answer(port, sent)
    assert answered.startswith(begins)
    assert answered.endswith(ends)
    assert answered.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answered


async def test_sender_that_asks_first_is_told_to_send_its_body(port: int) -> None:
    head = post(b"abc", "expect: 100-continue")[:-3]
    answered = await answer(port, head, b"abc")
    assert answered.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 202 " in answered


@pytest.mark.parametrize("sent", [b"", b"POST /hook HT", post(b"abc")[:-1], CHUNKED + b"5\r\nab"])
async def test_connection_that_says_too_little_ends_in_time(port: int, sent: bytes) -> None:
    assert await answer(port, sent) == b""


async def test_silent_connections_keep_nobody_out(port: int) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
    try:
        assert (await answer(port, post(b"abc"))).startswith(b"HTTP/1.1 202 ")
    finally:
        for _, writer in silent:
            writer.close()


async def test_bodies_that_are_read_share_a_bound_and_the_oldest_make_way(port: int) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
    try:
        for _, writer in slow:
            writer.write(post(b"x" * 100)[:-10])
            await writer.drain()
        async with asyncio.timeout(0.9):
            assert await slow[0][0].read() == b""
        _, newest = slow[3]
        newest.write(b"x" * 10)
        async with asyncio.timeout(10):
            assert (await slow[3][0].read()).startswith(b"HTTP/1.1 202 ")
    finally:
        for _, writer in slow:
            writer.close()


async def test_compressed_body_counts_with_what_it_can_become(port: int) -> None:
    packed = gzip.compress(b"x" * 90)
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    try:
        for _, writer in slow:
            writer.write(post(b"x" * 100)[:-10])
            await writer.drain()
        answered = await answer(port, post(packed, "content-encoding: gzip"))
        assert answered.startswith(b"HTTP/1.1 202 ")
        assert answered.endswith(b"90 \n")
        async with asyncio.timeout(0.9):
            assert await slow[0][0].read() == b""
    finally:
        for _, writer in slow:
            writer.close()
