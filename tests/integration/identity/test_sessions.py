"""Sessions: their cookies, their beginning and end, and requests that other sites make a browser send."""

import asyncio
import re
from typing import Any, Final

import asyncpg
import httpx
import pytest
import pytest_asyncio

from assent.gateway.identity import sessions
from tests.idp.browser import SESSION, SIGN_IN, Browser, query_of
from tests.idp.misbehaving import Misbehaving
from tests.integration.identity.conftest import OpenBrowser, StartGateway, oidc_environ
from tests.support.gateway import Gateway, free_port, refused

CHANGE: Final = {
    "resource": "script/from-another-site.sh",
    "operation": "edit",
    "justification": "Nobody asked for it.",
    "payload": "echo",
}
PUBLIC: Final = "https://assent.example"


@pytest_asyncio.fixture
async def alice(browser: Browser) -> Browser:
    """A browser in which alice has signed in."""
    assert (await browser.sign_in("alice")).status_code == 303
    return browser


async def _csrf(browser: Browser) -> str:
    return (await browser.me()).json()["csrf"]


def _flags(answer: httpx.Response, name: str) -> dict[str, str]:
    """The attributes of a cookie that an answer sets; the value is `=`."""
    [line] = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}=")]
    first, *rest = (part.strip() for part in line.split(";"))
    pairs = (part.partition("=") for part in rest)
    return {"=": first.partition("=")[2], **{key.lower(): value for key, _, value in pairs}}


async def test_cookies_are_for_this_site_only_and_hidden_from_scripts(browser: Browser) -> None:
    left = await browser.get("/sign-in")
    on_the_way = _flags(left, SIGN_IN)
    assert on_the_way["max-age"] == "600"
    back = await browser.get(await browser.at_provider(left.headers["location"], "alice"))
    session = _flags(back, SESSION)
    for each in (on_the_way, session):
        assert "httponly" in each
        assert each["samesite"].lower() == "lax"
        assert each["path"] == "/"
        assert "domain" not in each
        assert "secure" not in each, "http on loopback"
        assert len(each["="]) == 43


async def test_under_https_cookies_are_Secure_and_bound_to_the_host(
    start_gateway: StartGateway, provider: Misbehaving, gateway: Gateway
) -> None:
    port = free_port()
    url = await start_gateway(**oidc_environ(port, provider.issuer, ASSENT_PUBLIC_URL=PUBLIC))
    # A browser at https://assent.example behind a proxy that terminates TLS.
    async with httpx.AsyncClient(base_url=url, headers={"host": "assent.example"}, trust_env=False) as client:
        answer = await client.get("/sign-in")
    assert answer.status_code == 303
    assert query_of(answer.headers["location"])["redirect_uri"] == f"{PUBLIC}/sign-in/callback"
    flags = _flags(answer, "__Host-assent-sign-in")
    assert "secure" in flags
    assert flags["path"] == "/"
    assert "domain" not in flags
    assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_sign_in_never_takes_over_a_session_that_the_browser_brought(
    alice: Browser, open_browser: OpenBrowser
) -> None:
    """Session fixation: a token that an attacker knows must not become that of the person signing in."""
    victim = await open_browser()
    for planted in ("x" * 43, alice.cookie()):
        assert planted is not None
        victim.http.cookies.clear()
        victim.http.cookies.set(SESSION, planted, domain="localhost.local")
        assert (await victim.sign_in("bob")).status_code == 303
        fresh = [each.value for each in victim.http.cookies.jar if each.name == SESSION]
        assert fresh != [planted]
    # The session that was brought has ended, because two people had it.
    assert (await alice.me()).status_code == 401


async def test_each_sign_in_is_a_new_session_with_a_new_csrf_token(alice: Browser) -> None:
    first = (alice.cookie(), await _csrf(alice))
    await alice.sign_in("alice")
    second = (alice.cookie(), await _csrf(alice))
    assert not set(first) & set(second)


async def test_database_contains_no_session_token(alice: Browser, db: asyncpg.Connection) -> None:
    token = alice.cookie()
    assert token is not None
    rows = await db.fetch("select * from sessions")
    assert not any(value in (token, token.encode()) for row in rows for value in row.values())


@pytest.mark.parametrize("after_ms", [sessions.IDLE_MS, sessions.LONGEST_MS])
async def test_session_ends_when_idle_and_at_the_latest_after_its_lifetime(
    alice: Browser, monkeypatch: pytest.MonkeyPatch, after_ms: int
) -> None:
    begun, step = sessions.now_ms(), sessions.IDLE_MS - 1_000
    for passed in (0, 0) if after_ms == sessions.IDLE_MS else range(0, after_ms, step):
        monkeypatch.setattr(sessions, "now_ms", lambda passed=passed: begun + passed)
        assert (await alice.me()).status_code == 200
    monkeypatch.setattr(sessions, "now_ms", lambda: begun + after_ms + 1_000)
    refused(await alice.me(), 401, "not-signed-in")


async def test_signing_out_ends_the_session_here_and_leads_to_the_provider(
    alice: Browser, gateway: Gateway, provider: Misbehaving
) -> None:
    token = alice.cookie()
    answer = await alice.post("/sign-out", data={"csrf": await _csrf(alice)})
    assert answer.status_code == 200
    assert _flags(answer, SESSION)["max-age"] == "0"
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert found is not None
    there = found[1].replace("&amp;", "&")
    assert there.startswith(f"{provider.issuer}/session/end?")
    asked = query_of(there)
    assert asked["post_logout_redirect_uri"] == f"{alice.gateway}/"
    assert asked["id_token_hint"].count(".") == 2
    assert (await alice.get(there)).status_code == 200, "the provider takes what it is asked"
    client = await gateway.anonymous()
    refused(await client.get("/api/v1/me", headers={"cookie": f"{SESSION}={token}"}), 401, "not-signed-in")


async def test_signing_out_without_a_session_is_not_an_error(browser: Browser) -> None:
    answer = await browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


CROSS_SITE: Final[dict[str, dict[str, Any]]] = {
    "no token": {},
    "an empty token": {"csrf": ""},
    "a made up token": {"csrf": "x" * 43},
    "a token with letters of other scripts": {"csrf": "ä" * 43},
    "another session's token": {"csrf": "other"},
    "another site's Origin": {"csrf": "own", "origin": "https://evil.example"},
    "this host at another port": {"csrf": "own", "origin": "http://localhost:1"},
    "a prefix of another name": {"csrf": "own", "origin": "http://localhost.evil.example"},
    "an opaque Origin": {"csrf": "own", "origin": "null"},
    "a fetch from another site": {"csrf": "own", "sec-fetch-site": "cross-site"},
    "a fetch from a site beside": {"csrf": "own", "sec-fetch-site": "same-site"},
}


@pytest.mark.parametrize("case", sorted(CROSS_SITE))
@pytest.mark.parametrize("path", ["/api/v1/requests", "/sign-out"])
async def test_request_that_another_site_makes_a_browser_send_is_refused(
    alice: Browser, open_browser: OpenBrowser, case: str, path: str
) -> None:
    headers = dict(CROSS_SITE[case])
    sent = headers.pop("csrf", None)
    if sent == "own":
        sent = await _csrf(alice)
    elif sent == "other":
        bob = await open_browser()
        await bob.sign_in("bob")
        sent = await _csrf(bob)
    if path == "/sign-out":
        form = {} if sent is None else {"csrf": sent}
        answer = await alice.post(path, data=form, headers=headers)
    else:
        token = {} if sent is None else {"x-csrf-token": sent.encode()}
        answer = await alice.post(path, json=CHANGE, headers={**headers, **token})
    refused(answer, 403, "cross-site")
    assert (await alice.me()).status_code == 200


async def test_site_s_own_pages_may_send_it(alice: Browser) -> None:
    """Otherwise none of the refusals above would prove anything."""
    headers = {"x-csrf-token": await _csrf(alice), "origin": alice.gateway, "sec-fetch-site": "same-origin"}
    change = {**CHANGE, "resource": "script/from-here.sh"}
    assert (await alice.post("/api/v1/requests", json=change, headers=headers)).status_code == 201


async def test_token_together_with_a_cookie_is_refused(alice: Browser, provider: Misbehaving) -> None:
    headers = {"authorization": f"Bearer {await provider.token('device-config')}"}
    refused(await alice.get("/api/v1/me", headers=headers), 400, "two-proofs")


async def test_sign_in_begun_at_one_gateway_may_end_at_another(
    browser: Browser, start_gateway: StartGateway, provider: Misbehaving, ports: tuple[int, int]
) -> None:
    told = oidc_environ(ports[0], provider.issuer, ASSENT_GATEWAY_PORT=str(free_port()))
    beside = await start_gateway(**told)
    callback = await browser.at_provider(await browser.leave(), "alice")
    headers = {"host": f"localhost:{ports[0]}", "cookie": f"{SIGN_IN}={browser.cookie(SIGN_IN)}"}
    async with httpx.AsyncClient(trust_env=False) as balanced:
        answer = await balanced.get(beside + callback.removeprefix(browser.gateway), headers=headers)
    assert answer.status_code == 303
    browser.http.cookies.set(SESSION, _flags(answer, SESSION)["="])
    assert (await browser.me()).json()["principal"] == "alice"


async def test_many_browsers_can_begin_at_once(open_browser: OpenBrowser, gateway: Gateway) -> None:
    browsers = [await open_browser() for _ in range(8)]
    left = await asyncio.gather(*(browser.leave() for browser in browsers))
    assert len({query_of(url)["state"] for url in left}) == 8
