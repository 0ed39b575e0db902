"""Malicious clients against a real gateway on a real port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from assent.gateway.application.requests import write_request_cursor
from assent.gateway.client_limits import LiveLimits, SlowLimits
from assent.gateway.guarded_connections import HEADERS_MAX_BYTES
from assent.store.queries import Cursor
from assent_contracts.client.follower import GovernanceFollower
from tests.support.gateway import Gateway, accepted, answering, gateway_settings, refused
from tests.support.raw_http import RawConnection, connected, request
from tests.support.streams import streaming

SECURITY = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
"""Header -> the value that it must have."""
_MIB = 1024 * 1024


@asynccontextmanager
async def patient_for(gateway: Gateway, seconds: float, **live: int) -> AsyncIterator[str]:
    """A second gateway with shorter timeouts for slow clients; its address."""
    slow = SlowLimits(headers_s=seconds, body_s=seconds, not_taken_s=seconds)
    settings = msgspec.structs.replace(gateway_settings(), slow=slow, live=LiveLimits(**live))
    async with answering(gateway.log, gateway.dsn, settings) as url:
        yield url


def protected(headers: Any) -> bool:
    """Whether an answer has the headers that every answer must have."""
    missing = [name for name, said in SECURITY.items() if said not in headers.get(name, "")]
    assert not missing, missing
    assert not [name for name in headers if name.startswith("access-control-")]
    return True


# Slow clients, and many


async def test_client_that_never_ends_its_headers_is_disconnected(gateway: Gateway) -> None:
    """Slowloris: uvicorn alone waits for ever."""
    async with patient_for(gateway, 0.5) as url, connected(url) as slow:
        await slow.send(b"GET /api/v1/me HTTP/1.1\r\nHost: ")
        answer = await slow.answer(within_s=5)
        assert answer.status == 408
        assert answer.problem["code"] == "too-slow"
        assert protected(answer.headers)
        await slow.closed(within_s=5)


async def test_client_that_drips_headers_gets_no_extra_time_for_each(gateway: Gateway) -> None:
    async with patient_for(gateway, 0.5) as url, connected(url) as slow:

        async def drip() -> None:
            await slow.send(request(url, "GET /api/v1/me HTTP/1.1")[:-2])
            while True:
                await slow.send(b"X-Drip: 1\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert (await slow.answer(within_s=5)).status == 408
        await slow.closed(within_s=5)
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_silent_connection_is_closed(gateway: Gateway) -> None:
    async with patient_for(gateway, 0.5) as url, connected(url) as silent:
        await silent.closed(within_s=5)


async def test_kept_connection_is_not_held_open_by_a_slow_second_request(gateway: Gateway) -> None:
    """One byte after an answer ends uvicorn's own timer for kept connections."""
    async with patient_for(gateway, 0.5) as url:
        for bytes_ in (b"G", b"\r\n"):
            async with connected(url) as slow:
                await slow.send(request(url, "GET /api/v1/me HTTP/1.1"))
                assert (await slow.answer()).status == 401
                await slow.send(bytes_)
                await slow.closed(within_s=4)


async def test_body_that_never_ends_is_abandoned(gateway: Gateway) -> None:
    """R.U.D.Y.: whether or not the handler reads the body, and whether or not it has answered already."""
    client = await gateway.sign_in("alice")
    cookie = f"Cookie: assent={client.cookies['assent']}"
    csrf = f"X-CSRF-Token: {client.headers['x-csrf-token']}"
    async with patient_for(gateway, 0.5) as url:
        for path, who in (("requests", (cookie, csrf)), ("requests", ()), ("nothing", ())):
            async with connected(url) as slow:
                start = f"POST /api/v1/{path} HTTP/1.1"
                head = request(url, start, "Content-Type: application/json", "Content-Length: 1000", *who)
                await slow.send(head + b"{")
                await slow.closed(within_s=5)


async def test_client_that_does_not_read_a_long_answer_is_cut_off(
    gateway: Gateway,
) -> None:
    client = await gateway.sign_in("alice")
    huge = {"text": "x" * 200_000}
    shown = (await gateway.submit("script/huge.sh", payload=huge))["request"]
    await gateway.show(shown, after=shown)
    async with patient_for(gateway, 0.5) as url, connected(url) as slow:
        ask = request(
            url, f"GET /api/v1/requests/{shown} HTTP/1.1", f"Cookie: assent={client.cookies['assent']}"
        )
        # The answers are far larger than the buffers of both sides.
        await slow.send(ask * 200)
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while True:
                    await slow.send(b"\r\n")
                    await asyncio.sleep(0.05)


async def test_connections_over_the_limit_are_refused_at_once(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.gateway.service._BESIDE_STREAMS", 3)
    async with patient_for(gateway, 5, streams=1) as url, AsyncExitStack() as open_:
        for _ in range(4):
            await open_.enter_async_context(connected(url))
        async with connected(url) as fifth:
            answer = await fifth.answer()
            assert (answer.status, answer.problem["code"]) == (503, "too-many-connections")
            assert protected(answer.headers)
            await fifth.closed()


# Large


async def test_endless_headers_are_refused(gateway: Gateway) -> None:
    """A header bomb: httptools alone has no limit."""
    lines = {
        "one long": b"X-Bomb: " + b"x" * (4 * HEADERS_MAX_BYTES),
        "many": b"".join(b"X-%d: y\r\n" % number for number in range(20_000)),
        "a long address": b"X: y",
    }
    for name, line in lines.items():
        start = f"GET /{'a' * 200_000 if name == 'a long address' else ''} HTTP/1.1"
        async with connected(gateway.url) as bomber:
            sending = asyncio.create_task(bomber.send(request(gateway.url, start)[:-2] + line))
            answer = await bomber.answer()
            assert (answer.status, answer.problem["code"]) == (431, "headers-too-large"), name
            assert protected(answer.headers)
            await asyncio.gather(sending, return_exceptions=True)


async def test_body_of_10_mb_is_refused_as_too_large(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    body = {
        "resource": "script/big.sh",
        "operation": "edit",
        "justification": "Big.",
        "payload": "x" * (10 * _MIB),
    }
    refused(await client.post("/api/v1/requests", json=body), 413, "too-large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * _MIB

    headers = {"content-type": "application/json"}
    try:
        answer = await client.post("/api/v1/requests", content=chunks(), headers=headers)
    except httpx.WriteError:
        return
    refused(answer, 413, "too-large")


async def test_huge_reason_is_refused_and_the_request_stays_visible(gateway: Gateway) -> None:
    """Teleport 8.3.14: the reason of an access request had no limit, and a huge one filled the backend."""
    problem = refused(
        await gateway.try_to_submit("script/reason.sh", justification="x" * 200_000), 413, "too-large"
    )
    assert "x" * 1_000 not in problem["detail"]
    request_ = (await gateway.submit("script/reason.sh"))["request"]
    submission = (await gateway.show(request_, after=request_))["request"]["submission"]
    answer = await gateway.act(request_, "approve", "bob", submission=submission, note="x" * 200_000)
    refused(answer, 413, "too-large")
    assert (await gateway.show(request_))["request"]["status"] == "needs_approval"


# Other sites


async def test_no_websocket_exists_for_another_site_to_open(gateway: Gateway) -> None:
    """Teleport 8.3.14: pages of other sites opened its websockets with the victim's cookie."""
    client = await gateway.signed_in("alice")
    upgrade = (
        f"Cookie: assent={client.cookies['assent']}",
        "Origin: https://evil.example",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    for path in ("/", "/api/v1/requests", "/api/v1/me"):
        async with connected(gateway.url) as socket:
            await socket.send(request(gateway.url, f"GET {path} HTTP/1.1", *upgrade))
            answer = await socket.answer()
            assert answer.status != 101, path
            assert "upgrade" not in answer.headers


async def test_nobody_approves_without_signing_in_whatever_they_claim_to_be(gateway: Gateway) -> None:
    """network-ai GHSA-mxjx-28vx-xjjj: its approval inbox let anybody approve, for any site (CORS *). The
    first fix left the lists and the event stream open (GHSA-m4jg-6w3q-gm86).
    """
    request_ = (await gateway.submit("script/inbox.sh"))["request"]
    submission = (await gateway.show(request_, after=request_))["request"]["submission"]
    anonymous = await gateway.anonymous()
    body = {"submission": submission, "approvedBy": "bob", "approver": "bob", "principal": "bob"}
    claims = {
        "x-forwarded-user": "bob",
        "x-webauth-user": "bob",
        "x-principal": "bob",
        "origin": "https://evil.example",
    }
    for action in ("approve", "reject", "revoke", "cancel", "complete"):
        for sent in (body, {"submission": submission}, {}):
            answer = await anonymous.post(f"/api/v1/requests/{request_}/{action}", json=sent, headers=claims)
            refused(answer, 401, "not-signed-in")
            assert protected(answer.headers)
    for path in ("requests", "requests?view=all", f"requests/{request_}", "events", "me"):
        answer = await anonymous.get(f"/api/v1/{path}", headers=claims)
        refused(answer, 401, "not-signed-in")
        assert protected(answer.headers)
    assert (await gateway.show(request_))["request"]["status"] == "needs_approval"


async def test_session_does_not_approve_what_another_site_sends(gateway: Gateway) -> None:
    request_ = (await gateway.submit("script/csrf.sh"))["request"]
    submission = (await gateway.show(request_, after=request_))["request"]["submission"]
    bob = await gateway.signed_in("bob")
    path = f"/api/v1/requests/{request_}/approve"
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-csrf-token": "guessed"},
        {"x-csrf-token": ""},
    ):
        answer = await bob.post(path, json={"submission": submission}, headers=headers)
        refused(answer, 403, "cross-site")
        assert protected(answer.headers)
    assert (await gateway.show(request_))["request"]["status"] == "needs_approval"


async def test_no_answer_lets_another_site_read_it_and_a_preflight_is_refused(gateway: Gateway) -> None:
    bob = await gateway.signed_in("bob")
    origin = {"origin": "https://evil.example"}
    for path in ("/api/v1/requests", "/api/v1/openapi.json", "/api/v1/nothing", "/", "/sign-in"):
        assert protected((await bob.get(path, headers=origin)).headers), path
        asked = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "x"}
        answer = await bob.options(path, headers=asked)
        refused(answer, 403, "cross-site")
        assert protected(answer.headers)
    async with streaming(bob) as stream:
        assert protected(stream.response.headers)


async def test_gateway_answers_only_to_its_own_name(gateway: Gateway) -> None:
    """DNS rebinding: a name of the attacker's that resolves to loopback makes their page same-origin."""
    port = gateway.url.rpartition(":")[2]
    for host in (
        f"evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.evil.example:{port}",
        f"127.0.0.1:{port}@evil.example",
        "",
    ):
        async with connected(gateway.url) as raw:
            await raw.send(request(gateway.url, "GET /api/v1/openapi.json HTTP/1.1", host=host))
            answer = await raw.answer()
            assert (answer.status, answer.problem["code"]) == (421, "wrong-host"), host
            assert protected(answer.headers)
    async with connected(gateway.url) as raw:
        await raw.send(request(gateway.url, "GET / HTTP/1.1", "Host: evil.example"))
        assert (await raw.answer()).status in (400, 421)


async def test_no_page_and_no_error_can_be_framed(gateway: Gateway) -> None:
    """Clickjacking: error pages are protected like all others."""
    alice = await gateway.signed_in("alice")
    for method, path in (
        ("GET", "/"),
        ("GET", "/sign-in"),
        ("GET", "/no/such/page"),
        ("GET", "/api/v1/requests"),
        ("GET", "/api/v1/requests?limit=0"),
        ("GET", "/api/v1/requests/99-99"),
        ("PUT", "/api/v1/requests"),
        ("DELETE", "/"),
        ("OPTIONS", "/api/v1/requests"),
        ("HEAD", "/"),
        ("POST", "/api/v1/requests"),
    ):
        answer = await alice.request(method, path)
        assert answer.status_code < 500, (method, path, answer.text)
        assert protected(answer.headers), (method, path)


# Odd requests


async def test_input_that_is_not_http_is_refused_in_words(gateway: Gateway) -> None:
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        async with connected(gateway.url) as raw:
            await raw.send(nonsense)
            answer = await raw.answer()
            assert answer.status in (400, 421), (nonsense, answer)
            assert answer.problem["todo"]
            assert protected(answer.headers)


async def test_method_that_a_path_does_not_support_is_refused(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await alice.request(method, "/api/v1/requests")
        refused(answer, 405, "method-not-allowed")
        assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}
    for method in ("TRACE", "PROPFIND", "MKCOL"):
        refused(await alice.request(method, "/api/v1/requests"), 405, "method-not-allowed")
    async with connected(gateway.url) as raw:
        await raw.send(request(gateway.url, "CONNECT 127.0.0.1:22 HTTP/1.1"))
        assert (await raw.answer()).status in (400, 405, 421)


async def _get(raw: RawConnection, url: str, path: str) -> tuple[int, bytes]:
    await raw.send(request(url, f"GET {path} HTTP/1.1"))
    answer = await raw.answer()
    return answer.status, answer.body


async def test_no_address_leads_out_of_the_static_files(gateway: Gateway) -> None:
    secrets = (b"root:", b"[project]", b"import ", b"PRIVATE")
    for path in (
        "/static/../settings.py",
        "/static/../../../../../../../../etc/passwd",
        "/static/..%2f..%2fsettings.py",
        "/static/%2e%2e/%2e%2e/settings.py",
        "/static/%2e%2e%2f%2e%2e%2fpages.py",
        "/static/..%5c..%5csettings.py",
        "/static/....//....//settings.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/app.css%00.png",
        "/static/.",
        "/static/",
        "/static",
        "/..%2f..%2fpyproject.toml",
        "//etc/passwd",
    ):
        async with connected(gateway.url) as raw:
            status, body = await _get(raw, gateway.url, path)
            assert status in (303, 307, 400, 401, 404), (path, status)
            assert not [each for each in secrets if each in body], path


async def test_paging_far_past_the_end_is_an_empty_page(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    page = {"requests": [], "next": None}
    for cursor in (Cursor(0, 0, 0), Cursor(-(1 << 62), -1, -1)):
        answer = accepted(
            await alice.get("/api/v1/requests", params={"cursor": write_request_cursor(cursor)})
        )
        assert answer == page
    for limit in (-1, 0, 201, 10**9, "all", "1e3"):
        refused(await alice.get("/api/v1/requests", params={"limit": limit}), 400, "malformed")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "....",
        "bnVsbA",
        "W10",
        "WzEsMl0",
        "WzEsMiwzLDRd",
        "WyIxIiwiMiIsIjMiXQ",
        "WzFlOTksMCwwXQ",
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LDAsMF0",
        "WzAsOTk5OTk5OTk5OSwwXQ",
        "é",
        "' or 1=1 --",
        "W" * 200,
        "W" * 100_000,
    ],
)
async def test_forged_cursor_is_refused(gateway: Gateway, cursor: str) -> None:
    if len(cursor) > HEADERS_MAX_BYTES:
        async with connected(gateway.url) as raw:
            await raw.send(request(gateway.url, f"GET /api/v1/requests?cursor={cursor} HTTP/1.1"))
            assert (await raw.answer()).status == 431
        return
    alice = await gateway.signed_in("alice")
    refused(await alice.get("/api/v1/requests", params={"cursor": cursor}), 400, "malformed")


async def test_R7_cursor_of_another_person_s_list_shows_nothing_of_theirs(gateway: Gateway) -> None:
    for number in range(3):
        await gateway.submit(f"script/theirs-{number}.sh", principal="alice")
    last = await gateway.submit("script/theirs-last.sh", principal="alice")
    alice, erin = await gateway.signed_in("alice"), await gateway.signed_in("erin")
    headers = {"assent-after": last["position"]}
    theirs = accepted(await alice.get("/api/v1/requests", params={"limit": 1}, headers=headers))
    page = accepted(await erin.get("/api/v1/requests", params={"cursor": theirs["next"]}))
    assert {each["requester"] for each in page["requests"]} <= {"erin"}


# Approvals sent again


async def test_same_approval_sent_twice_counts_once(gateway: Gateway) -> None:
    """A form that is sent again: without a key it is refused; with one it gets the first one's answer."""
    request_ = (await gateway.submit("script/twice.sh"))["request"]
    submission = (await gateway.show(request_, after=request_))["request"]["submission"]
    bob = await gateway.signed_in("bob")
    path = f"/api/v1/requests/{request_}/approve"
    key = {"idempotency-key": "the-form-of-bob"}
    answers = await asyncio.gather(
        *(bob.post(path, json={"submission": submission}, headers=key) for _ in range(8))
    )
    decisions = [accepted(answer) for answer in answers]
    assert {each["position"] for each in decisions} == {decisions[0]["position"]}
    assert [each["repeated"] for each in decisions].count(False) == 1
    again = await bob.post(path, json={"submission": submission})
    assert again.status_code == 409, again.text
    approvals = (await gateway.show(request_, after=decisions[0]["position"]))["request"]["approvals"]
    assert len(approvals) == 1


async def test_revoked_approval_is_not_restored_by_sending_it_again(
    gateway: Gateway,
) -> None:
    """A replay of the approval's exact request, with its Idempotency-Key, after it was revoked."""
    request_ = (await gateway.submit("script/replayed.sh"))["request"]
    submission = (await gateway.show(request_, after=request_))["request"]["submission"]
    bob = await gateway.signed_in("bob")
    path = f"/api/v1/requests/{request_}/approve"
    key = {"idempotency-key": "kept-by-the-attacker"}
    first = accepted(await bob.post(path, json={"submission": submission}, headers=key))
    revoked = accepted(await gateway.act(request_, "revoke", "bob"))
    again = accepted(await bob.post(path, json={"submission": submission}, headers=key))
    assert (again["position"], again["repeated"]) == (first["position"], True)
    shown = await gateway.show(request_, after=revoked["position"])
    assert shown["request"]["status"] == "needs_approval"
    assert shown["request"]["approvals"] == []


async def test_bytes_of_a_recorded_approval_count_once(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    """Every reader of the log has the gateway's signed approval and can publish its exact bytes again."""
    request_ = (await gateway.submit("script/bytes.sh"))["request"]
    approved = await gateway.approve(request_)
    revoked = accepted(await gateway.act(request_, "revoke", "bob"))
    value, headers, resource = await _recorded(gateway, approved["position"])
    decided = await gateway.actor.publisher.send_bytes(value, resource, headers)
    assert decided.refusal is None
    assert [type(event).__name__ for event in decided.events] == ["CommandRepeated"]
    position = f"{decided.partition}-{decided.seq}"
    shown = await gateway.show(request_, after=position)
    assert shown["request"]["status"] == "needs_approval", revoked


async def _recorded(gateway: Gateway, position: str) -> tuple[bytes, list[tuple[str, bytes]], bytes]:
    import asyncpg

    from assent_contracts.client.keys import SecretKey
    from assent_contracts.codec import decode_command
    from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
    from assent_contracts.refusals import Refusal
    from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER

    connection = await asyncpg.connect(gateway.dsn)
    try:
        partition, seq = map(int, position.split("-"))
        row: str | None = None
        async with asyncio.timeout(10):
            while row is None:
                row = await connection.fetchval(
                    "select record::text from audit"
                    " where ledger = 'assent.ledger' and partition = $1 and seq = $2",
                    partition,
                    seq,
                )
    finally:
        await connection.close()
    recorded = decode_recorded_command(decode_record(row.encode()))
    assert isinstance(recorded, RecordedCommand)
    command = decode_command(bytes(recorded.value))
    assert not isinstance(command, Refusal)
    from assent_contracts.client.keys import signed_headers

    unsigned = signed_headers(SecretKey("x", "y"), "0" * 64, command, bytes(recorded.value), "replay")
    proof = {KEY_HEADER: recorded.key.encode(), SIGNATURE_HEADER: recorded.signature.encode()}
    headers = [(name, proof.get(name, value)) for name, value in unsigned]
    return bytes(recorded.value), headers, command.resource.encode()
