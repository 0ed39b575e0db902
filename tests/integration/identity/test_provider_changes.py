"""The provider changes its keys, stops and restarts, while people are signed in."""

from joserfc import jwt

from tests.idp.browser import Browser
from tests.idp.misbehaving import Misbehaving, now_s, other_key
from tests.integration.identity.conftest import OpenBrowser, StartGateway, oidc_environ
from tests.support.gateway import Gateway, free_port, refused
from tests.support.stack import until


async def test_keys_rotated_without_overlap_are_fetched_once_and_the_withdrawn_one_is_refused(
    provider: Misbehaving, gateway: Gateway, open_browser: OpenBrowser, browser: Browser
) -> None:
    old = await provider.key()
    assert (await browser.sign_in("alice")).status_code == 303
    fetched = (await provider.seen())["keys"]
    await provider.rotate(keep=False)
    for name in ("bob", "alice", "bob"):
        assert (await (await open_browser()).sign_in(name)).status_code == 303
    assert (await provider.seen())["keys"] == fetched + 1

    client = await gateway.anonymous()
    claims = {"iss": provider.issuer, "aud": "assent", "sub": "alice", "iat": now_s(), "exp": now_s() + 300}
    for key in (old, other_key(), other_key()):
        token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, algorithms=["RS256"])
        answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert "withdrawn" in refused(answer, 401, "not-signed-in")["detail"]
    assert (await provider.seen())["keys"] == fetched + 1, "strangers do not make it fetch at once again"


async def test_without_the_provider_people_are_told_so_and_signed_in_people_continue(
    provider: Misbehaving, browser: Browser, open_browser: OpenBrowser
) -> None:
    await browser.sign_in("alice")
    late = await open_browser()
    callback = await late.at_provider(await late.leave(), "bob")
    await provider.stop()
    try:
        said = refused(await late.get(callback), 503, "provider-unreachable")
        assert "does not answer" in said["detail"]
        assert (await browser.me()).json()["principal"] == "alice"
    finally:
        await provider.start()

    async def signs_in() -> bool:
        return (await late.sign_in("bob")).status_code == 303

    await until(signs_in)  # its new key is looked for at most every few seconds


async def test_gateway_that_starts_before_its_provider_reports_it_and_signs_people_in_later(
    start_gateway: StartGateway,
) -> None:
    port = free_port()
    nobody = f"http://localhost:{free_port()}"
    await start_gateway(**oidc_environ(port, nobody))
    browser = Browser(f"http://localhost:{port}")
    async with browser.http:
        answer = await browser.get("/sign-in")
        refused(answer, 503, "provider-unreachable")
        assert answer.headers["retry-after"].isdecimal()
