"""Sign-in with a real provider: the redirect there and back, and every wrong way to come back."""

import base64
import hashlib
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from assent.gateway.identity.oidc import CALLBACK
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.governance_changes import DisablePrincipal
from tests.idp.browser import SESSION, SIGN_IN, Browser, query_of
from tests.idp.misbehaving import Misbehaving
from tests.integration.identity.conftest import OpenBrowser, StartGateway, oidc_environ
from tests.support.gateway import Gateway, free_port, refused
from tests.support.governor import governing


async def test_person_signs_in_and_continues_to_the_requested_page(browser: Browser) -> None:
    answer = await browser.sign_in("alice", "/requests?status=open")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/requests?status=open"
    assert answer.headers["cache-control"] == "no-store"
    assert (await browser.me()).json()["principal"] == "alice"


async def test_redirect_to_the_provider_carries_state_nonce_and_an_S256_challenge(browser: Browser) -> None:
    first, second = query_of(await browser.leave()), query_of(await browser.leave())
    assert first["response_type"] == "code"
    assert first["scope"].split() == ["openid", "profile"]
    assert first["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


async def test_verifier_sent_with_the_code_fits_the_challenge(
    browser: Browser, provider: Misbehaving
) -> None:
    url = await browser.leave()
    await browser.get(await browser.at_provider(url, "alice"))
    sent = (await provider.seen())["tokens"][-1]
    digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
    assert query_of(url)["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert sent["status"] == 200


async def test_callback_counts_once(browser: Browser, provider: Misbehaving) -> None:
    callback = await browser.at_provider(await browser.leave(), "alice")
    assert (await browser.get(callback)).status_code == 303
    exchanged = len((await provider.seen())["tokens"])
    refused(await browser.get(callback), 400, "sign-in-failed")
    assert len((await provider.seen())["tokens"]) == exchanged


async def test_used_code_signs_nobody_in_with_a_new_state(browser: Browser) -> None:
    callback = await browser.at_provider(await browser.leave(), "alice")
    used = query_of(callback)["code"]
    await browser.get(callback)
    other = await browser.at_provider(await browser.leave(), "alice")
    replayed = other.replace(quote(query_of(other)["code"]), quote(used))
    assert replayed != other
    said = refused(await browser.get(replayed), 400, "sign-in-failed")
    assert "did not accept the code" in said["detail"]


async def test_state_that_nobody_was_given_is_refused(browser: Browser) -> None:
    callback = await browser.at_provider(await browser.leave(), "alice")
    wrong = callback.replace(query_of(callback)["state"], "x" * 43)
    refused(await browser.get(wrong), 400, "sign-in-failed")
    assert browser.cookie(SESSION) is None


async def test_callback_in_another_browser_is_refused_and_stays_valid_in_the_first(
    browser: Browser, open_browser: OpenBrowser
) -> None:
    """Otherwise an attacker could sign a victim in as themselves (login CSRF)."""
    callback = await browser.at_provider(await browser.leave(), "alice")
    without, with_their_own = await open_browser(), await open_browser()
    await with_their_own.leave()
    for other in (without, with_their_own):
        refused(await other.get(callback), 400, "sign-in-failed")
        assert other.cookie(SESSION) is None
    assert (await browser.get(callback)).status_code == 303


async def test_two_tabs_of_one_browser_can_both_be_at_the_provider(browser: Browser) -> None:
    first = await browser.leave("/first")
    second = await browser.leave("/second")
    answer = await browser.get(await browser.at_provider(first, "alice"))
    assert answer.headers["location"] == "/first"
    answer = await browser.get(await browser.at_provider(second, "alice"))
    assert answer.headers["location"] == "/second"


async def test_sign_in_expires_after_ten_minutes(browser: Browser, db: asyncpg.Connection) -> None:
    callback = await browser.at_provider(await browser.leave(), "alice")
    left_ms = await db.fetchval(
        "select max(ends_at) - (extract(epoch from clock_timestamp()) * 1000)::bigint from sign_ins"
    )
    assert left_ms is not None
    assert 9 * 60_000 < left_ms <= 10 * 60_000
    await db.execute("update sign_ins set ends_at = ends_at - 600000")
    said = refused(await browser.get(callback), 400, "sign-in-failed")
    assert "10 minutes" in said["detail"]


async def test_neither_state_nor_cookie_is_in_the_database(browser: Browser, db: asyncpg.Connection) -> None:
    state = query_of(await browser.leave())["state"]
    cookie = browser.cookie(SIGN_IN)
    assert cookie is not None
    [row] = await db.fetch(
        "select * from sign_ins where state_sha256 = $1", hashlib.sha256(state.encode()).digest()
    )
    assert row["browser_sha256"] == hashlib.sha256(cookie.encode()).digest()
    assert not {state, cookie} & {value for value in row.values() if isinstance(value, str)}


async def test_person_unknown_to_governance_is_told_so(browser: Browser) -> None:
    said = refused(await browser.sign_in("mallory"), 403, "not-permitted")
    assert "'mallory', which is not registered" in said["detail"]
    assert browser.cookie(SESSION) is None


async def test_person_known_there_but_not_here_can_sign_in_as_another_user(browser: Browser) -> None:
    said = refused(await browser.sign_in("mallory"), 403, "not-permitted")
    assert "/sign-in?prompt=login" in said["todo"]
    refused(await browser.sign_in("bob"), 403, "not-permitted")  # mallory is still signed in there
    url = (await browser.get("/sign-in?prompt=login")).headers["location"]
    assert (await browser.get(await browser.at_provider(url, "bob"))).status_code == 303
    assert (await browser.me()).json()["principal"] == "bob"


async def test_account_named_like_a_service_is_not_a_person(browser: Browser) -> None:
    said = refused(await browser.sign_in("device-config"), 403, "not-permitted")
    assert "service" in said["detail"]
    assert browser.cookie(SESSION) is None


async def test_disabled_principal_loses_its_session_and_gets_no_new_one(
    browser: Browser, open_browser: OpenBrowser, gateway: Gateway, follower: GovernanceFollower
) -> None:
    await browser.sign_in("erin")
    assert (await browser.me()).status_code == 200
    async with governing(gateway.log, follower) as governor:
        assert (await governor.change(DisablePrincipal(principal="erin"))).refusal is None
    again = await open_browser()
    said = refused(await again.sign_in("erin"), 403, "not-permitted")
    assert "'erin', which is disabled" in said["detail"]
    refused(await browser.me(), 403, "not-permitted")


async def test_person_who_turns_back_at_the_provider_is_told_so_and_no_input_is_echoed(
    browser: Browser,
) -> None:
    callback = await browser.at_provider(await browser.leave(), "alice", password="")
    assert "script" in callback
    answer = await browser.get(callback)
    assert "access_denied" in refused(answer, 400, "sign-in-failed")["detail"]
    assert "script" not in answer.text


@pytest.mark.parametrize("error", ["<b>x</b>", "a" * 65, "see https://elsewhere.example", ""])
async def test_error_in_the_address_is_repeated_only_if_it_is_a_known_code(
    browser: Browser, error: str
) -> None:
    state = query_of(await browser.leave())["state"]
    answer = await browser.get(CALLBACK, params={"state": state, "error": error})
    assert "it sent no code" in refused(answer, 400, "sign-in-failed")["detail"]


async def test_answer_in_the_name_of_another_provider_is_refused(browser: Browser) -> None:
    """RFC 9207: mix-up of two providers."""
    for instead in ("&iss=https%3A%2F%2Fother.example", ""):
        callback = await browser.at_provider(await browser.leave(), "alice")
        begin, _, rest = callback.partition("&iss=")
        assert rest, "this provider says who it is"
        said = refused(await browser.get(begin + instead), 400, "sign-in-failed")
        assert "provider" in said["detail"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/%5Cevil.example\\x",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: assent=x",
        " //evil.example",
        "evil.example",
        "@evil.example",
        "",
        "/" + "a" * 3_000,
    ],
)
async def test_sign_in_never_redirects_to_another_site(browser: Browser, wanted: str) -> None:
    answer = await browser.sign_in("alice", wanted)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert list(answer.headers.get_list("set-cookie")) == [
        each for each in answer.headers.get_list("set-cookie") if each.startswith("assent=")
    ]


async def test_parameters_that_no_provider_sends_are_refused(browser: Browser) -> None:
    for path in ("/sign-in?return_to=", f"{CALLBACK}?state=", f"{CALLBACK}?code=", f"{CALLBACK}?iss="):
        answer = await browser.get(path + "a" * 5_000)
        assert answer.status_code == 400, path
        assert urlsplit(str(answer.url)).path in ("/sign-in", CALLBACK)


async def test_log_contains_who_signed_in_and_no_secret(
    browser: Browser, provider: Misbehaving, capsys: pytest.CaptureFixture[str]
) -> None:
    url = await browser.leave()
    callback = await browser.at_provider(url, "alice")
    await browser.get(callback)
    sent = (await provider.seen())["tokens"][-1]
    refused(await browser.get(callback), 400, "sign-in-failed")
    said = "".join(capsys.readouterr())
    assert "signed in" in said
    assert "alice" in said
    secrets = [
        query_of(callback)["code"],
        query_of(url)["state"],
        query_of(url)["nonce"],
        sent["code_verifier"],
        browser.cookie(SESSION),
        browser.cookie(SIGN_IN),
    ]
    assert not [each for each in secrets if each is None or each in said]


@pytest.mark.parametrize(("path", "status"), [("/sign-in", 303), (CALLBACK + "?state=x&code=y", 400)])
async def test_one_address_cannot_begin_or_end_sign_ins_without_limit(
    path: str,
    status: int,
    start_gateway: StartGateway,
    provider: Misbehaving,
) -> None:
    port = free_port()
    await start_gateway(**oidc_environ(port, provider.issuer, ASSENT_GATEWAY_RATE="1"))
    browser = Browser(f"http://localhost:{port}")
    async with browser.http:
        answers = [await browser.get(path) for _ in range(25)]
    assert {answer.status_code for answer in answers} == {status, 429}
    refused(answers[-1], 429, "too-many-requests")
