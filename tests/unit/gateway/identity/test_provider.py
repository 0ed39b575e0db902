"""What is believed of a provider, whatever it answers."""

import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from typing import Any, Final

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, OctKey, OKPKey, RSAKey

from assent.gateway.identity.jwts import BadTokenError, verified_claims
from assent.gateway.identity.provider import ALGORITHMS, ANSWER_MAX_BYTES, DISCOVERY, Provider, ProviderError
from assent_contracts.client.publisher import now_ms

ISSUER: Final = "https://login.example/realm"
DOCUMENT: Final[dict[str, Any]] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "id_token_signing_alg_values_supported": [*ALGORITHMS, "HS256", "none"],
}
KEYS: Final = {
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}

Answering = Callable[[httpx.Request], httpx.Response]


def answer(content: bytes, status: int = 200, **headers: str) -> Answering:
    """Always the same answer, as it comes over a network: in pieces."""
    return lambda request: httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


class Network:
    """The answers of a provider's host, by path; a test can replace them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at: dict[str, Answering] = {}
        self.says(f"{ISSUER}{DISCOVERY}", DOCUMENT)
        self.says(f"{ISSUER}/keys", {"keys": [public(name) for name in KEYS]})

    def says(self, url: str, document: Any, status: int = 200) -> None:
        self.at[url] = answer(json.dumps(document).encode(), status)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.at[str(request.url)](request)


def public(algorithm: str, **more: Any) -> dict[str, Any]:
    """A key as the provider publishes it, with its algorithm's name as id."""
    return {
        **KEYS[algorithm].as_dict(private=False),
        "kid": algorithm,
        "alg": algorithm,
        "use": "sig",
        **more,
    }


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
async def provider(network: Network) -> AsyncIterator[Provider]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(network), follow_redirects=False) as client:
        yield Provider(ISSUER, client)


async def test_document_is_fetched_once(provider: Provider, network: Network) -> None:
    metadata = await provider.metadata()
    assert metadata.token_endpoint == f"{ISSUER}/token"
    assert metadata.algorithms() == ALGORITHMS
    await provider.metadata()
    assert network.asked == [ISSUER + DISCOVERY]


WRONG_DOCUMENTS: Final[dict[str, dict[str, Any]]] = {
    "is about": {"issuer": "https://login.example/other"},
    "not https: 'http://login.example/token'": {"token_endpoint": "http://login.example/token"},
    "not https: 'file:///keys'": {"jwks_uri": "file:///keys"},
    "not https: 'javascript:alert": {"authorization_endpoint": "javascript:alert(1)"},
    "not https: 'data:text": {"end_session_endpoint": "data:text/html,x"},
    "signs with none of": {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    "PKCE": {"code_challenge_methods_supported": ["plain"]},
    "did not answer with the expected document": {"token_endpoint": None},
}


@pytest.mark.parametrize("words", sorted(WRONG_DOCUMENTS))
async def test_document_with_other_content_is_not_used(
    provider: Provider, network: Network, words: str
) -> None:
    network.says(ISSUER + DISCOVERY, {**DOCUMENT, **WRONG_DOCUMENTS[words]})
    with pytest.raises(ProviderError) as raised:
        await provider.metadata()
    assert words in str(raised.value)


def _down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody there", request=request)


WRONG_ANSWERS: Final[dict[str, Answering]] = {
    "nobody": _down,
    "too large": answer(b" " * (ANSWER_MAX_BYTES + 1)),
    "an error": answer(b"{}", 503),
    "a redirect": answer(b"", 302, location="https://elsewhere.example/"),
    "no JSON": answer(b"<html>"),
    "another JSON": answer(b"[]"),
    "deep JSON": answer(b"[" * 100_000),
    "compressed though nobody asked": answer(zlib.compress(json.dumps(DOCUMENT).encode())),
}


@pytest.mark.parametrize("case", sorted(WRONG_ANSWERS))
@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
async def test_unusable_answer_is_a_named_error(
    provider: Provider, network: Network, case: str, path: str
) -> None:
    network.at[ISSUER + path] = WRONG_ANSWERS[case]
    with pytest.raises(ProviderError):
        await provider.key("RS256", "RS256")
    assert all(url.startswith(ISSUER) for url in network.asked)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_each_accepted_algorithm_is_verified(provider: Provider, algorithm: str) -> None:
    claims = await verified_claims(_token(algorithm), provider, ALGORITHMS, "assent")
    assert claims["sub"] == "alice"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_algorithm_that_the_provider_does_not_name_is_not_accepted(
    provider: Provider, algorithm: str
) -> None:
    others = tuple(each for each in ALGORITHMS if each != algorithm)
    with pytest.raises(BadTokenError, match="is signed with"):
        await verified_claims(_token(algorithm), provider, others, "assent")


async def test_key_is_used_with_its_own_algorithm_only(provider: Provider) -> None:
    """An RSA key for RS256 verifies no PS256."""
    token = _token("PS256", key=KEYS["RS256"], kid="RS256")
    with pytest.raises(BadTokenError, match="has no key"):
        await verified_claims(token, provider, ALGORITHMS, "assent")


async def test_keys_not_for_signatures_or_secret_are_left_out(provider: Provider, network: Network) -> None:
    shared = OctKey.generate_key(256).as_dict(private=True)
    listed = [
        public("RS256", use="enc"),
        {**shared, "kid": "shared", "alg": "HS256"},
        {"kty": "AKP", "kid": "post-quantum"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        "no key",
        public("ES256"),
    ]
    network.says(f"{ISSUER}/keys", {"keys": listed})
    assert await provider.key("RS256", "RS256") is None
    assert await provider.key("broken", "RS256") is None
    assert await provider.key("ES256", "ES256") is not None


async def test_token_without_key_id_needs_a_provider_with_one_key(
    provider: Provider, network: Network
) -> None:
    assert await provider.key(None, "ES256") is not None
    two = [public("ES256"), {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "second"}]
    network.says(f"{ISSUER}/keys", {"keys": two})
    assert await provider.key("second", "ES256") is not None
    assert await provider.key(None, "ES256") is None


async def test_invented_key_ids_do_not_cause_a_fetch_each_time(provider: Provider, network: Network) -> None:
    for number in range(100):
        assert await provider.key(f"made-up-{number}", "RS256") is None
    assert network.asked.count(f"{ISSUER}/keys") == 2


def _token(algorithm: str, *, key: Any = None, kid: str | None = None) -> str:
    now = now_ms() // 1_000
    claims = {"iss": ISSUER, "aud": "assent", "sub": "alice", "iat": now, "exp": now + 60}
    own = key or KEYS[algorithm]
    named: KeyParameters = {"kid": kid or algorithm}
    signing = type(own).import_key(own.as_dict(private=True), named)
    with pytest.warns() if algorithm == "EdDSA" else nullcontext():
        return jwt.encode(
            {"alg": algorithm, "kid": kid or algorithm}, claims, signing, algorithms=[algorithm]
        )
