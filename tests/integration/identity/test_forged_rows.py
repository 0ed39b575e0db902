"""An attacker with write access to every table of Postgres cannot sign in as anybody."""

import hashlib
import re
from typing import Any, Final

import asyncpg
import pytest

from assent.gateway.identity import sessions
from assent.gateway.identity.sessions import Sessions
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import now_ms
from tests.idp.browser import SESSION, Browser
from tests.integration.identity.conftest import OpenBrowser
from tests.support.gateway import Gateway, refused

FORGED_TOKEN: Final = "f" * 43
_INSERT: Final = (
    "insert into sessions (token_sha256, principal, csrf, opened_at, seen_at, ends_at, key_id, mac)"
    " values ($1, $2, $3, $4, $4, $5, $6, $7)"
)


@pytest.fixture
async def alice(browser: Browser) -> Browser:
    """A browser in which alice has signed in."""
    assert (await browser.sign_in("alice")).status_code == 303
    return browser


def _row_of(browser: Browser) -> bytes:
    token = browser.cookie()
    assert token is not None
    return hashlib.sha256(token.encode()).digest()


async def test_inserted_row_signs_nobody_in(alice: Browser, gateway: Gateway, db: asyncpg.Connection) -> None:
    """The MAC of a real row is among those that are tried: it is not the MAC of another row."""
    true = await db.fetchrow("select mac, key_id from sessions where token_sha256 = $1", _row_of(alice))
    assert true is not None
    client = await gateway.anonymous()
    hashed, now = hashlib.sha256(FORGED_TOKEN.encode()).digest(), now_ms()
    for mac in (b"", bytes(32), true["mac"], hashed):
        await db.execute("delete from sessions where token_sha256 = $1", hashed)
        values = (hashed, "bob", "c" * 43, now, now + sessions.LONGEST_MS, true["key_id"], mac)
        await db.execute(_INSERT, *values)
        cookie = {"cookie": f"{SESSION}={FORGED_TOKEN}"}
        refused(await client.get("/api/v1/me", headers=cookie), 401, "not-signed-in")


CHANGED: Final[dict[str, str]] = {
    "another account": "principal = 'bob'",
    "another form's token": "csrf = repeat('c', 43)",
    "another id_token": "id_token = 'x'",
    "none of an id_token": "id_token = null",
    "a beginning that was later": "opened_at = opened_at + 1",
    "used later": "seen_at = seen_at + 1",
    "a later end": "ends_at = ends_at + 1",
    "another key": "key_id = 'gateway-2'",
    "a MAC cut short": "mac = substring(mac for 16)",
}


@pytest.mark.parametrize("case", sorted(CHANGED))
async def test_changed_row_signs_nobody_in(alice: Browser, db: asyncpg.Connection, case: str) -> None:
    assert (await alice.me()).status_code == 200
    statement = f"update sessions set {CHANGED[case]} where token_sha256 = $1"  # noqa: S608  ours
    assert await db.execute(statement, _row_of(alice)) == "UPDATE 1"
    refused(await alice.me(), 401, "not-signed-in")


async def test_row_under_another_token_signs_nobody_in(
    alice: Browser, gateway: Gateway, db: asyncpg.Connection
) -> None:
    forged = hashlib.sha256(FORGED_TOKEN.encode()).digest()
    await db.execute("delete from sessions where token_sha256 = $1", forged)
    await db.execute("update sessions set token_sha256 = $2 where token_sha256 = $1", _row_of(alice), forged)
    client = await gateway.anonymous()
    cookie = {"cookie": f"{SESSION}={FORGED_TOKEN}"}
    refused(await client.get("/api/v1/me", headers=cookie), 401, "not-signed-in")


async def test_session_in_long_use_stays_valid(alice: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row is written, and sealed, again."""
    begun = now_ms()
    for passed in (2 * 60_000, 4 * 60_000):
        monkeypatch.setattr(sessions, "now_ms", lambda passed=passed: begun + passed)
        assert (await alice.me()).status_code == 200


async def test_gateways_share_sessions_if_they_have_the_same_key(alice: Browser, gateway: Gateway) -> None:
    token = alice.cookie()
    assert token is not None
    key = load_key(gateway.log.folder / "gateway.key")
    pool: Any = await asyncpg.create_pool(gateway.dsn, min_size=0, max_size=1)
    async with pool:
        same, other = (
            Sessions(pool, key, secure=False),
            Sessions(pool, SecretKey(key.id, key.principal), secure=False),
        )
        assert (await same.find(token)) is not None
        assert await same.holding([token]) == {token}
        assert await other.find(token) is None
        assert await other.holding([token]) == set()
        # A person who signs out has signed out everywhere.
        await other.close(token)
    refused(await alice.me(), 401, "not-signed-in")


PLANTED: Final[dict[str, str]] = {
    "a verifier that somebody knows": "verifier = repeat('v', 43)",
    "a nonce that somebody knows": "nonce = repeat('n', 43)",
    "another page to return to": "return_to = '/policies'",
    "more time": "ends_at = ends_at + 1",
    "another state": "state_sha256 = sha256('state')",
    "another browser": "browser_sha256 = sha256('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb')",
}


@pytest.mark.parametrize("case", sorted(PLANTED))
async def test_changed_sign_in_cannot_be_finished(
    open_browser: OpenBrowser, gateway: Gateway, db: asyncpg.Connection, case: str
) -> None:
    await db.execute("delete from sign_ins")
    browser = await open_browser()
    callback = await browser.at_provider(await browser.leave(), "alice")
    assert await db.execute(f"update sign_ins set {PLANTED[case]}") == "UPDATE 1"  # noqa: S608  ours
    if "state" in case:
        callback = re.sub(r"(?<=[?&]state=)[^&]*", "state", callback)
    headers = {"cookie": f"assent-sign-in={'b' * 43}"} if "browser" in case else {}
    refused(await browser.get(callback, headers=headers), 400, "sign-in-failed")
    assert browser.cookie() is None
