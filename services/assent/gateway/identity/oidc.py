"""OpenID Connect, authorization code flow with PKCE: to the provider, back with a code, code for id_token.

authlib makes the requests and joserfc checks the tokens. Authlib's own HTTP client is deliberately not used:
it takes httpx2 or httpx, whichever is installed, so the class of its exceptions would depend on other
packages. The transport here is always httpx.
"""

import base64
import hashlib
import hmac
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import asyncpg
import httpx
import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from assent.gateway.gateway_settings import GatewaySettings, OidcSettings
from assent.gateway.identity.jwts import LEEWAY_S, BadTokenError, verified_claims
from assent.gateway.identity.pending_sign_ins import SIGN_IN_S, FinishedSignIn, PendingSignIn, PendingSignIns
from assent.gateway.identity.provider import Metadata, Provider, ProviderError
from assent.process_settings import SettingsError, read_secret_file
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import now_ms

CALLBACK: Final = "/sign-in/callback"
_HINT_MAX_CHARS: Final = 4_096
"""A longer id_token makes an address that servers refuse."""
_SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post")


class NotSignedInError(Exception):
    """The provider's answer does not sign in a user. The message gives the reason, without secrets."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A user whom the provider has authenticated."""

    principal: str
    id_token: str

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"SignedIn({self.principal!r})"


class _Granted(msgspec.Struct, frozen=True):
    """RFC 6749, 5.1: the fields that are used."""

    id_token: str
    access_token: str = ""


class Oidc:
    """Sign-in with one provider."""

    def __init__(
        self, settings: GatewaySettings, provider: Provider, db: asyncpg.Pool, key: SecretKey
    ) -> None:
        """Raises SettingsError: the client's secret cannot be read, or no provider is configured."""
        if settings.oidc is None:
            raise SettingsError("Set ASSENT_OIDC_ISSUER, the provider at which people sign in.")
        self.settings = settings.oidc
        self.provider = provider
        self.sign_ins = PendingSignIns(db, key, secure=settings.is_secure)
        self._home = settings.public_url + "/"
        self._redirect_uri = settings.public_url + CALLBACK
        self._secret = read_client_secret(settings.oidc)

    async def leave(
        self, return_to: str, browser: str | None, *, anew: bool = False
    ) -> tuple[str, PendingSignIn]:
        """The provider's address to go to, and what the browser has to keep. Raises ProviderError.

        `anew`: the provider must ask the user to sign in even if it already has a session for them.
        """
        metadata = await self.provider.metadata()
        leaving = await self.sign_ins.leave(return_to, browser)
        url, _ = self._client().create_authorization_url(
            metadata.authorization_endpoint,
            state=leaving.state,
            nonce=leaving.nonce,
            code_verifier=leaving.verifier,
            **({"prompt": "login"} if anew else {}),
        )
        return url, leaving

    async def finish(self, left: FinishedSignIn, code: str, said_issuer: str | None) -> SignedIn:
        """The user who came back with this code. Raises NotSignedInError and ProviderError."""
        metadata = await self.provider.metadata()
        _check_who_answers(metadata, said_issuer)
        granted = await self._exchange(metadata, code, left.verifier)
        try:
            claims = await verified_claims(
                granted.id_token, self.provider, metadata.algorithms(), self.settings.client_id
            )
            _check_meant(claims, self.settings.client_id, left.nonce)
            _check_access_token(claims, granted)
        except BadTokenError as error:
            raise NotSignedInError(f"the provider's id_token is not valid: {error}") from error
        return SignedIn(principal=principal_in(claims, self.settings), id_token=granted.id_token)

    async def sign_out_url(self, id_token: str | None) -> str | None:
        """The address that ends the session at the provider too, if there is one. Raises ProviderError."""
        metadata = await self.provider.metadata()
        if metadata.end_session_endpoint is None:
            return None
        more = {"client_id": self.settings.client_id, "post_logout_redirect_uri": self._home}
        if id_token and len(id_token) <= _HINT_MAX_CHARS:
            more["id_token_hint"] = id_token
        joint = "&" if "?" in metadata.end_session_endpoint else "?"
        return f"{metadata.end_session_endpoint}{joint}{urlencode(more)}"

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            session=None,
            client_id=self.settings.client_id,
            scope=self.settings.scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> _Granted:
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        _, headers, body = self._authentication(metadata).prepare(
            "POST", metadata.token_endpoint, headers, body
        )
        answer = await self.provider.send("POST", metadata.token_endpoint, headers=headers, content=body)
        if answer.status >= 500:
            raise ProviderError(f"the token endpoint answered {answer.status}")
        if answer.status != 200:
            raise NotSignedInError(f"the provider did not accept the code ({answer.status})")
        try:
            return msgspec.json.decode(answer.body, type=_Granted)
        except msgspec.DecodeError as error:
            raise NotSignedInError("the provider answered without an id_token") from error

    def _authentication(self, metadata: Metadata) -> ClientAuth:
        if self._secret is None:
            return ClientAuth(self.settings.client_id, "", "none")
        offered = metadata.token_endpoint_auth_methods_supported
        method = next((each for each in _SECRET_METHODS if each in offered), _SECRET_METHODS[0])
        if method == "client_secret_basic":
            # RFC 6749, 2.3.1: both are form-encoded first, which authlib leaves to the caller.
            return ClientAuth(quote_plus(self.settings.client_id), quote_plus(self._secret), method)
        return ClientAuth(self.settings.client_id, self._secret, method)


def principal_in(claims: dict[str, Any], settings: OidcSettings) -> str:
    """The principal that the configured claim names. Raises NotSignedInError."""
    value = claims.get(settings.principal_claim)
    if not isinstance(value, str) or not value:
        raise NotSignedInError(f"the provider did not send the claim {settings.principal_claim!r}")
    if settings.principal_claim == "email" and claims.get("email_verified") is not True:
        # At many providers users can enter any address until it is verified.
        raise NotSignedInError("the provider has not verified the email address")
    return value


def open_oidc(
    settings: GatewaySettings, client: httpx.AsyncClient, db: asyncpg.Pool, key: SecretKey
) -> Oidc | None:
    """Sign-in with the provider in the settings, if there is one. Raises SettingsError."""
    if settings.oidc is None:
        return None
    return Oidc(settings, Provider(settings.oidc.issuer, client), db, key)


def read_client_secret(settings: OidcSettings) -> str | None:
    """The gateway's secret at the provider, if it has one. Raises SettingsError."""
    if settings.client_secret_file is None:
        return None
    return read_secret_file(settings.client_secret_file, "ASSENT_OIDC_CLIENT_SECRET_FILE")


def _check_who_answers(metadata: Metadata, said: str | None) -> None:
    """RFC 9207: the answer comes from the provider that was asked, if it names its issuer."""
    if said is None and metadata.authorization_response_iss_parameter_supported:
        raise NotSignedInError("the answer does not name the provider that it comes from")
    if said is not None and said != metadata.issuer:
        raise NotSignedInError("the answer comes from another provider")


def _check_meant(claims: dict[str, Any], client_id: str, nonce: str) -> None:
    """OpenID Connect Core 1.0, 3.1.3.7: issued for this client and this sign-in, and during it."""
    sent = claims.get("nonce")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), nonce.encode()):
        raise BadTokenError("it was issued for another sign-in (nonce)")
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise BadTokenError(
            "it has several audiences, and does not state for which client it was issued (azp)"
        )
    if party is not None and party != client_id:
        raise BadTokenError("it was issued for another client (azp)")
    if claims["iat"] < now_ms() / 1_000 - SIGN_IN_S - LEEWAY_S:
        raise BadTokenError("it was issued before this sign-in began")


def _check_access_token(claims: dict[str, Any], granted: _Granted) -> None:
    """OpenID Connect Core 1.0, 3.1.3.8: at_hash, if present, is the left half of the hash."""
    said = claims.get("at_hash")
    if said is None:
        return
    # SHA-256 for every algorithm that is accepted here except EdDSA, whose hash is SHA-512.
    digests = [hash_(granted.access_token.encode()).digest() for hash_ in (hashlib.sha256, hashlib.sha512)]
    halves = [base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=") for digest in digests]
    if not isinstance(said, str) or said.encode() not in halves:
        raise BadTokenError("it belongs to another access token (at_hash)")
