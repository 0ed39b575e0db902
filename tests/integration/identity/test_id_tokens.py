"""What comes back with the code: id_tokens of others, for others, of other sign-ins, and forged ones."""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from joserfc import jwt

from tests.idp.browser import SESSION, Browser, query_of
from tests.idp.misbehaving import Misbehaving, now_s, other_key
from tests.support.gateway import refused

Claims = dict[str, Any]
Craft = Callable[[Misbehaving, Claims], Awaitable[str]]


async def _comes_back_with(browser: Browser, provider: Misbehaving, craft: Craft) -> Any:
    """The gateway's answer if the provider answers with what `craft` makes of the right claims."""
    url = await browser.leave()
    callback = await browser.at_provider(url, "alice")
    right = {
        "iss": provider.issuer,
        "aud": "console",
        "sub": "alice",
        "nonce": query_of(url)["nonce"],
        "iat": now_s(),
        "exp": now_s() + 300,
    }
    await provider.answer_with(await craft(provider, right))
    return await browser.get(callback)


def _with(**changed: Any) -> Craft:
    """Signed by the provider, with other claims; None removes one."""

    async def craft(provider: Misbehaving, right: Claims) -> str:
        claims = {name: value for name, value in {**right, **changed}.items() if value is not None}
        return await provider.signed(claims)

    return craft


async def test_right_claims_sign_in(browser: Browser, provider: Misbehaving) -> None:
    """Otherwise none of the refusals below would prove anything."""
    assert (await _comes_back_with(browser, provider, _with())).status_code == 303
    assert (await browser.me()).json()["principal"] == "alice"


_LATER: Final = 24 * 60 * 60
WRONG_CLAIMS: Final[dict[str, tuple[Craft, str]]] = {
    "another nonce": (_with(nonce="x" * 43), "nonce"),
    "no nonce": (_with(nonce=None), "nonce"),
    "a nonce that is no text": (_with(nonce=7), "nonce"),
    "another audience": (_with(aud="elsewhere"), "audience"),
    "other audiences": (_with(aud=["elsewhere", "console-2"]), "audience"),
    "no audience": (_with(aud=None), "aud"),
    "the API's audience": (_with(aud="assent"), "audience"),
    "several audiences and no azp": (_with(aud=["console", "elsewhere"]), "azp"),
    "another azp": (_with(aud=["console", "elsewhere"], azp="elsewhere"), "azp"),
    "another azp with one audience": (_with(azp="elsewhere"), "azp"),
    "another issuer": (_with(iss="https://other.example"), "issuer"),
    "an issuer with a slash more": (_with(iss="http://localhost/"), "issuer"),
    "no issuer": (_with(iss=None), "iss"),
    "expired": (_with(exp=1_700_000_000), "expired"),
    "no expiry": (_with(exp=None), "exp"),
    "an expiry that is a text": (_with(exp="2099"), "exp"),
    "no time of issue": (_with(iat=None), "iat"),
    "issued long ago": (_with(iat=1_700_000_000), "before this sign-in"),
    "issued in the future": (_with(iat=4_000_000_000), "future"),
    "not valid yet": (_with(nbf=4_000_000_000), "nbf"),
    "no subject": (_with(sub=None), "sub"),
    "another access token's hash": (_with(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
    "a hash that is no text": (_with(at_hash=7), "at_hash"),
}


@pytest.mark.parametrize("case", sorted(WRONG_CLAIMS))
async def test_id_token_with_wrong_claims_signs_nobody_in(
    browser: Browser, provider: Misbehaving, case: str
) -> None:
    craft, word = WRONG_CLAIMS[case]
    said = refused(await _comes_back_with(browser, provider, craft), 400, "sign-in-failed")
    assert word in said["detail"]
    assert browser.cookie(SESSION) is None


async def _unsigned(provider: Misbehaving, right: Claims) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(right)}."


async def _unsigned_with_kid(provider: Misbehaving, right: Claims) -> str:
    return f"{_part({'alg': 'none', 'kid': (await provider.key()).kid})}.{_part(right)}."


async def _nOnE(provider: Misbehaving, right: Claims) -> str:
    return f"{_part({'alg': 'nOnE'})}.{_part(right)}."


async def _signature_cut_off(provider: Misbehaving, right: Claims) -> str:
    return (await provider.signed(right)).rpartition(".")[0] + "."


async def _hs256_with_the_public_key(provider: Misbehaving, right: Claims) -> str:
    # By hand, because joserfc does not take a public key as a secret.
    key = await provider.key()
    signed = f"{_part({'alg': 'HS256', 'kid': key.kid})}.{_part(right)}"
    digest = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{_base64(digest)}"


async def _rs512(provider: Misbehaving, right: Claims) -> str:
    key = await provider.key()
    bare = {name: value for name, value in key.as_dict(private=True).items() if name != "alg"}
    return jwt.encode(
        {"alg": "RS512", "kid": key.kid}, right, type(key).import_key(bare), algorithms=["RS512"]
    )


async def _by_a_stranger(provider: Misbehaving, right: Claims) -> str:
    key = other_key()
    return jwt.encode({"alg": "RS256", "kid": key.kid}, right, key, algorithms=["RS256"])


async def _by_a_stranger_in_the_providers_name(provider: Misbehaving, right: Claims) -> str:
    kid = (await provider.key()).kid
    return jwt.encode({"alg": "RS256", "kid": kid}, right, other_key(), algorithms=["RS256"])


async def _brings_its_own_key(provider: Misbehaving, right: Claims) -> str:
    key = other_key()
    header = {"alg": "RS256", "kid": "own", "jwk": key.as_dict(private=False), "jku": "http://localhost/jwks"}
    return jwt.encode(header, right, key, algorithms=["RS256"])


async def _payload_changed(provider: Misbehaving, right: Claims) -> str:
    header, _, signature = (await provider.signed(right)).split(".")
    return f"{header}.{_part({**right, 'sub': 'bob'})}.{signature}"


async def _a_logout_token(provider: Misbehaving, right: Claims) -> str:
    return await provider.signed(right, typ="logout+jwt")


async def _critical_header(provider: Misbehaving, right: Claims) -> str:
    # joserfc itself signs no such header.
    header, payload, signature = (await provider.signed(right)).split(".")
    del header
    kid = (await provider.key()).kid
    return f"{_part({'alg': 'RS256', 'kid': kid, 'crit': ['exp'], 'exp': 1})}.{payload}.{signature}"


async def _too_long(provider: Misbehaving, right: Claims) -> str:
    return await provider.signed({**right, "groups": ["g" * 100] * 200})


async def _no_token(provider: Misbehaving, right: Claims) -> str:
    return "no.token"


WRONG_TOKENS: Final[tuple[Craft, ...]] = (
    _unsigned,
    _unsigned_with_kid,
    _nOnE,
    _signature_cut_off,
    _hs256_with_the_public_key,
    _rs512,
    _by_a_stranger,
    _by_a_stranger_in_the_providers_name,
    _brings_its_own_key,
    _payload_changed,
    _a_logout_token,
    _critical_header,
    _too_long,
    _no_token,
)


@pytest.mark.parametrize("craft", WRONG_TOKENS, ids=lambda craft: craft.__name__.strip("_"))
async def test_id_token_that_the_provider_has_not_signed_as_required_signs_nobody_in(
    browser: Browser, provider: Misbehaving, craft: Craft
) -> None:
    refused(await _comes_back_with(browser, provider, craft), 400, "sign-in-failed")
    assert browser.cookie(SESSION) is None


def _part(value: Claims) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
