"""The same with a product that people run: its login page, sessions, logout and service accounts."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from tests.idp.browser import SESSION, Browser, NotLetInError, query_of
from tests.idp.keycloak import Keycloak, KeycloakUnavailable, keycloak
from tests.integration.identity.conftest import OpenBrowser, oidc_environ
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, accepted, everything, gateway_settings, refused
from tests.support.log import Log
from tests.support.optional_tools import skip_or_fail

pytestmark = [pytest.mark.long, pytest.mark.keycloak, pytest.mark.timeout(300)]

CLIENT = "assent-console"


@pytest_asyncio.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Keycloak]:
    async with AsyncExitStack() as started:
        try:
            running = await started.enter_async_context(keycloak(tmp_path_factory.mktemp("keycloak")))
        except KeycloakUnavailable as error:
            skip_or_fail(str(error))
        yield running


@pytest_asyncio.fixture(scope="module")
async def gateway(
    log: Log,
    follower: GovernanceFollower,
    running: Endpoints,
    ports: tuple[int, int],
    server: Keycloak,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    secret = _secret_in(tmp_path_factory.mktemp("secret"))
    told = {
        "ASSENT_OIDC_CLIENT_ID": CLIENT,
        "ASSENT_OIDC_CLIENT_SECRET_FILE": str(secret),
        "ASSENT_OIDC_PRINCIPAL_CLAIM": "preferred_username",
    }
    settings = gateway_settings(**oidc_environ(ports[0], server.issuer, **told))
    async with everything(log, follower, running.dsn, settings) as started:
        yield started


def _secret_in(folder: Path) -> Path:
    secret = folder / "client-secret"
    secret.write_text("console-secret+%&=\n")
    return secret


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _call(gateway: Gateway, token: str) -> httpx.Response:
    return await (await gateway.anonymous()).get("/api/v1/me", headers=_bearer(token))


async def test_person_signs_in_through_its_form(browser: Browser) -> None:
    answer = await browser.sign_in("alice", "/requests")
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests")
    assert (await browser.me()).json()["principal"] == "alice"


async def test_wrong_password_does_not_come_back(browser: Browser) -> None:
    with pytest.raises(NotLetInError, match="Invalid username or password"):
        await browser.at_provider(await browser.leave(), "alice", password="wrong")


async def test_provider_requires_the_proof_key_that_the_gateway_sends(browser: Browser) -> None:
    url = await browser.leave()
    without = re.sub(r"&code_challenge(_method)?=[^&]*", "", url)
    callback = await browser.at_provider(without, "alice")
    assert query_of(callback)["error"] == "invalid_request"
    refused(await browser.get(callback), 400, "sign-in-failed")


async def test_signing_out_ends_both_sessions_and_the_password_is_required_again(browser: Browser) -> None:
    await browser.sign_in("bob")
    again = await browser.at_provider(await browser.leave(), "bob", password="not asked for")
    assert (await browser.get(again)).status_code == 303, "its own session lets bob in without the form"
    csrf = (await browser.me()).json()["csrf"]
    page = await browser.post("/sign-out", data={"csrf": csrf})
    found = re.search(r'href="([^"]+)"', page.text)
    assert found is not None, page.text
    out = await browser.get(found[1].replace("&amp;", "&"))
    assert (out.status_code, out.headers["location"]) == (302, browser.gateway + "/")
    assert (await browser.me()).status_code == 401
    with pytest.raises(NotLetInError):
        await browser.at_provider(await browser.leave(), "bob", password="asked for")


async def test_person_unknown_to_governance_is_told_so(browser: Browser) -> None:
    said = refused(await browser.sign_in("mallory"), 403, "not-permitted")
    assert "'mallory', which is not registered" in said["detail"]


async def test_user_disabled_at_the_provider_cannot_come_back(
    server: Keycloak, browser: Browser, open_browser: OpenBrowser
) -> None:
    await browser.sign_in("bob")
    await server.enable("bob", enabled=False)
    try:
        other = await open_browser()
        with pytest.raises(NotLetInError, match="disabled"):
            await other.at_provider(await other.leave(), "bob")
        with pytest.raises(NotLetInError):  # nor with the existing session
            await browser.at_provider(await browser.leave(), "bob")
        assert other.cookie(SESSION) is None
    finally:
        await server.enable("bob", enabled=True)


async def test_R6_service_account_submits_a_change(server: Keycloak, gateway: Gateway) -> None:
    token = await server.token("device-config", "device-config-secret")
    client = await gateway.anonymous()
    change = {
        "resource": "script/by-service-account.sh",
        "operation": "edit",
        "justification": "Nightly.",
        "payload": "echo hello",
    }
    decided = accepted(await client.post("/api/v1/requests", json=change, headers=_bearer(token)), 201)
    shown = await client.get(
        f"/api/v1/requests/{decided['request']}",
        headers={**_bearer(token), "assent-after": decided["position"]},
    )
    assert accepted(shown)["request"]["requester"] == "device-config"


async def test_token_for_another_audience_is_refused(server: Keycloak, gateway: Gateway) -> None:
    answer = await _call(gateway, await server.token("elsewhere", "elsewhere-secret"))
    assert "audience" in refused(answer, 401, "not-signed-in")["detail"]


async def test_new_key_is_learned_and_a_withdrawn_one_forgotten(server: Keycloak, gateway: Gateway) -> None:
    before = await server.token("device-config", "device-config-secret")
    assert (await _call(gateway, before)).status_code == 200
    new = await server.add_key()
    await server.withdraw_other_keys(but=new)
    after = await server.token("device-config", "device-config-secret")
    assert (await _call(gateway, after)).status_code == 200, "the new key is fetched when it is first seen"
    assert "withdrawn" in refused(await _call(gateway, before), 401, "not-signed-in")["detail"]
