"""Access tokens: whose they are, and which ones are accepted."""

from typing import Any, Final

import httpx
import msgspec
import pytest
from joserfc import jwt

from assent.gateway.client_limits import LiveLimits
from tests.idp.misbehaving import Misbehaving, now_s, other_key
from tests.integration.identity.conftest import StartGateway, oidc_environ
from tests.support.gateway import Gateway, accepted, answering, free_port, gateway_settings, refused
from tests.support.streams import streaming


async def _call(gateway: Gateway, token: str, scheme: str = "Bearer") -> httpx.Response:
    client = await gateway.anonymous()
    return await client.get("/api/v1/me", headers={"Authorization": f"{scheme} {token}"})


def _claims(provider: Misbehaving, **changed: Any) -> dict[str, Any]:
    right = {
        "iss": provider.issuer,
        "aud": "assent",
        "sub": "device-config",
        "client_id": "device-config",
        "iat": now_s(),
        "exp": now_s() + 300,
    }
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


async def test_machine_submits_a_change_with_its_token(gateway: Gateway, provider: Misbehaving) -> None:
    client = await gateway.anonymous()
    headers = {"Authorization": f"Bearer {await provider.token('device-config')}"}
    change = {
        "resource": "script/by-machine.sh",
        "operation": "edit",
        "justification": "Nightly.",
        "payload": "echo",
    }
    assert accepted(await client.post("/api/v1/requests", json=change, headers=headers), 201)["request"]
    assert accepted(await client.get("/api/v1/me", headers=headers))["principal"] == "device-config"


async def test_scheme_may_be_in_any_case_and_is_the_only_one(gateway: Gateway, provider: Misbehaving) -> None:
    token = await provider.token("device-config")
    assert (await _call(gateway, token, "bEARER")).status_code == 200
    for scheme in ("Basic", "DPoP", "Token"):
        refused(await _call(gateway, token, scheme), 401, "not-signed-in")


async def test_token_for_another_audience_is_refused(gateway: Gateway, provider: Misbehaving) -> None:
    answer = await _call(gateway, await provider.token("device-config", "elsewhere"))
    assert "audience" in refused(answer, 401, "not-signed-in")["detail"]
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_client_unknown_to_governance_is_told_so(gateway: Gateway, provider: Misbehaving) -> None:
    said = refused(await _call(gateway, await provider.token("nobody")), 403, "not-permitted")
    assert "'nobody', which is not registered" in said["detail"]


async def test_client_named_like_a_person_is_not_that_person(gateway: Gateway, provider: Misbehaving) -> None:
    refused(await _call(gateway, await provider.token("alice")), 403, "not-permitted")


async def test_person_named_like_a_service_is_not_that_service(
    gateway: Gateway, provider: Misbehaving
) -> None:
    token = await provider.signed(_claims(provider, client_id="console"))
    refused(await _call(gateway, token), 403, "not-permitted")


async def test_person_can_act_with_a_token_too(gateway: Gateway, provider: Misbehaving) -> None:
    token = await provider.signed(_claims(provider, sub="alice", client_id="console"), typ="at+jwt")
    assert accepted(await _call(gateway, token))["principal"] == "alice"


WRONG: Final[dict[str, dict[str, Any]]] = {
    "audience": {"aud": ["elsewhere"]},
    "audience is the console's": {"aud": "console"},
    "aud": {"aud": None},
    "issuer": {"iss": "https://other.example"},
    "iss": {"iss": None},
    "expired": {"exp": 1_700_000_000},
    "exp": {"exp": None},
    "exp is not a number": {"exp": True},
    "future": {"iat": 4_000_000_000},
    "nbf": {"nbf": 4_000_000_000},
    "bound to a key": {"cnf": {"jkt": "x"}},
    "no access token": {"typ": "ID"},
    "no access token but for refresh": {"typ": "Refresh"},
    "sub": {"sub": None, "client_id": "console"},
}


@pytest.mark.parametrize("case", sorted(WRONG))
async def test_token_with_wrong_claims_is_refused(gateway: Gateway, provider: Misbehaving, case: str) -> None:
    token = await provider.signed(_claims(provider, **WRONG[case]))
    refused(await _call(gateway, token), 401, "not-signed-in")


async def test_token_with_unchanged_claims_is_accepted(gateway: Gateway, provider: Misbehaving) -> None:
    """Otherwise none of the refusals above would prove anything."""
    assert (await _call(gateway, await provider.signed(_claims(provider)))).status_code == 200


async def test_token_of_another_signer_is_refused(gateway: Gateway, provider: Misbehaving) -> None:
    kid = (await provider.key()).kid
    token = jwt.encode({"alg": "RS256", "kid": kid}, _claims(provider), other_key(), algorithms=["RS256"])
    refused(await _call(gateway, token), 401, "not-signed-in")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "..", "é.é.é", "a" * 20_000, "e30.e30.", "bnVsbA.e30.AA", "W10.e30.AA"]
)
async def test_invalid_token_is_refused(gateway: Gateway, token: str) -> None:
    client = await gateway.anonymous()
    answer = await client.get("/api/v1/me", headers={b"authorization": f"Bearer {token}".strip().encode()})
    refused(answer, 401, "not-signed-in")


async def test_stream_ends_with_the_token_that_opened_it(gateway: Gateway, provider: Misbehaving) -> None:
    """The only one that ends so early: the gateway's own limit is a quarter of an hour."""
    claims = _claims(provider, exp=now_s() + 3)
    headers = {"Authorization": f"Bearer {await provider.signed(claims)}"}
    settings = gateway_settings(**oidc_environ(free_port(), provider.issuer))
    settings = msgspec.structs.replace(settings, live=LiveLimits(beat_s=0.15))
    async with (
        answering(gateway.log, gateway.dsn, settings),
        httpx.AsyncClient(base_url=settings.public_url, headers=headers, timeout=30) as client,
        streaming(client) as stream,
    ):
        await stream.rest()
        assert now_s() >= claims["exp"]


async def test_one_address_cannot_try_tokens_without_limit(
    provider: Misbehaving, start_gateway: StartGateway
) -> None:
    environ = oidc_environ(free_port(), provider.issuer, ASSENT_GATEWAY_RATE="1")
    await start_gateway(**environ)
    good = await provider.token("device-config")
    async with httpx.AsyncClient(base_url=environ["ASSENT_PUBLIC_URL"], timeout=30) as client:
        assert (
            await client.get("/api/v1/me", headers={"Authorization": f"Bearer {good}"})
        ).status_code == 200
        bad = {"Authorization": f"Bearer {good[:-4]}AAAA"}
        answers = [await client.get("/api/v1/me", headers=bad) for _ in range(25)]
    assert {answer.status_code for answer in answers} == {401, 429}
    refused(answers[-1], 429, "too-many-requests")
