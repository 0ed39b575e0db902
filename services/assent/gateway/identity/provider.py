"""The OpenID provider as its documents describe it: its endpoints and its signing keys."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet, OKPKey, RSAKey

from assent.gateway.gateway_settings import is_loopback
from assent.gateway.identity.cached_value import AGAIN_AFTER_S, CachedValue
from assent.gateway.problems import Problem

ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA")
"""The only accepted signatures. Never `none`, nor HS256, for which a public key would be the secret."""
DISCOVERY: Final = "/.well-known/openid-configuration"
ANSWER_MAX_BYTES: Final = 256 * 1024
_WITHIN_S: Final = 10.0
_EACH_STEP_S: Final = 5.0
_DOCUMENT_FRESH_S: Final = 60 * 60.0
_KEYS_FRESH_S: Final = 5 * 60.0
"""A key that the provider has withdrawn is accepted for at most so long, while the provider answers."""

ProviderKey = RSAKey | ECKey | OKPKey


class ProviderError(Exception):
    """The provider does not answer, or its answer cannot be used. The message is for operators."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's metadata by OpenID Connect Discovery 1.0: the fields that are used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False
    """RFC 9207: it names itself when it sends people back."""

    def algorithms(self) -> tuple[str, ...]:
        """The algorithms with which it signs id_tokens and that are accepted here."""
        return tuple(each for each in ALGORITHMS if each in self.id_token_signing_alg_values_supported)


class Answer(msgspec.Struct, frozen=True):
    """The answer of an endpoint of the provider."""

    status: int
    body: bytes


class Provider:
    """One provider, as this gateway knows it. Safe for concurrent use."""

    def __init__(
        self, issuer: str, client: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`client`: see `open_client`. Its owner closes it."""
        self.issuer = issuer
        self._client = client
        self._document = CachedValue(
            self._discover, fresh_s=_DOCUMENT_FRESH_S, failures=ProviderError, clock=clock
        )
        self._keys = CachedValue(self._fetch_keys, fresh_s=_KEYS_FRESH_S, failures=ProviderError, clock=clock)

    async def metadata(self) -> Metadata:
        """The provider's document. Raises ProviderError."""
        return await self._document.get()

    async def key(self, kid: str | None, algorithm: str) -> ProviderKey | None:
        """The current signing key with this id; None if there is none. Raises ProviderError.

        An unknown id may be new, so the keys are fetched again, but rarely, because anybody can make up ids.
        Without an id there must be exactly one key.
        """
        found = _find(await self._keys.get(), kid, algorithm)
        if found is None and kid is not None:
            found = _find(await self._keys.get(again=True), kid, algorithm)
        return found

    async def send(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, content: str = ""
    ) -> Answer:
        """Send a request to an endpoint. Raises ProviderError: no answer in time, or too large a one."""
        wanted = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            async with (
                asyncio.timeout(_WITHIN_S),
                self._client.stream(method, url, headers=wanted, content=content) as answer,
            ):
                return Answer(answer.status_code, await _read(answer))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _noted(f"{urlsplit(url).netloc} does not answer: {error!r}") from error

    async def _discover(self) -> Metadata:
        found = await self._get(self.issuer.rstrip("/") + DISCOVERY, Metadata)
        if found.issuer != self.issuer:
            raise _noted(f"the document of {self.issuer} is about {found.issuer!r}")
        endpoints = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        for url in (*endpoints, found.end_session_endpoint):
            if url is not None and not _is_protected(url):
                raise _noted(f"{self.issuer} names an endpoint that is not https: {url!r}")
        if not found.algorithms():
            raise _noted(f"{self.issuer} signs with none of {', '.join(ALGORITHMS)}")
        offered = found.code_challenge_methods_supported
        if offered is not None and "S256" not in offered:
            raise _noted(f"{self.issuer} does not support PKCE with S256")
        return found

    async def _fetch_keys(self) -> KeySet:
        metadata = await self.metadata()
        document = await self._get(metadata.jwks_uri, dict[str, Any])
        listed = document.get("keys")
        if not isinstance(listed, list):
            raise _noted(f"{metadata.jwks_uri} is not a set of keys")
        keys = [key for key in map(_usable, listed) if key is not None]
        structlog.get_logger().info("provider's keys fetched", issuer=self.issuer, keys=len(keys))
        return KeySet(list(keys))

    async def _get(self, url: str, kind: type[Any]) -> Any:
        answer = await self.send("GET", url)
        if answer.status != 200:
            raise _noted(f"{url} answered {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            raise _noted(f"{url} did not answer with the expected document: {error}") from error


def open_client() -> httpx.AsyncClient:
    """The client for one provider. It follows no redirects, and has a timeout for every step."""
    return httpx.AsyncClient(
        timeout=_EACH_STEP_S, follow_redirects=False, limits=httpx.Limits(max_connections=20)
    )


def provider_unreachable() -> Problem:
    """While the provider does not answer, nobody can sign in, and no token can be checked."""
    return Problem(
        503,
        "provider-unreachable",
        "The sign-in provider does not answer, so nobody can be signed in now.",
        todo="Try again in a minute. If it persists, tell the provider's operator. Open sessions continue.",
        headers={"Retry-After": str(int(AGAIN_AFTER_S))},
    )


def _noted(what: str) -> ProviderError:
    structlog.get_logger().warning("provider unusable", reason=what)
    return ProviderError(what)


async def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > ANSWER_MAX_BYTES:
            raise _noted(f"{answer.url.host} answered with more than {ANSWER_MAX_BYTES:,} bytes")
    return bytes(body)


def _is_protected(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _usable(listed: Any) -> ProviderKey | None:
    """The key, if it is a supported key for signatures."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig":
        return None
    public = {name: listed[name] for name in listed if name not in ("d", "p", "q", "dp", "dq", "qi", "x5c")}
    try:
        key = JWKRegistry.import_key(json.loads(json.dumps(public)))
    except (JoseError, ValueError, TypeError, KeyError):
        return None  # RFC 7517, 5: keys that are not understood are ignored
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


def _find(keys: KeySet, kid: str | None, algorithm: str) -> ProviderKey | None:
    fitting = [
        key for key in keys if isinstance(key, _KINDS[algorithm]) and key.get("alg") in (None, algorithm)
    ]
    if kid is None:
        return _as_key(fitting[0]) if len(fitting) == 1 else None
    return next((_as_key(key) for key in fitting if key.kid == kid), None)


def _as_key(key: Any) -> ProviderKey:
    assert isinstance(key, RSAKey | ECKey | OKPKey)
    return key


_KINDS: Final[dict[str, type[Any]]] = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
