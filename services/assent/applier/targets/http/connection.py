"""Sends requests to the allowed hosts, with the applier's credentials and limits."""

import asyncio
import ssl
import time
from typing import Any, Final

import httpx
import msgspec

from assent.applier.targets.exact_json import decode_exactly
from assent.applier.targets.http.table import HttpTable, OAuth
from assent.applier.targets.secrets import read_secret, without_secrets
from assent.targets.pinned_transport import PinnedTransport
from assent.targets.webhook_signature import signature
from assent_contracts.client.handler import FinalError

_AGENT: Final = "assent-applier"
_TOKEN_MARGIN_S: Final = 60.0
_TOKEN_USUAL_S: Final = 300.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the target answered."""

    status: int
    headers: httpx.Headers
    json: Any
    """The body's JSON value; None if it is not JSON, or too large."""


class TokenError(Exception):
    """No token was issued, so nothing was sent to the target."""


class HttpConnection:
    """The way to a target. Follows no redirect and no proxy, and checks each address."""

    def __init__(self, table: HttpTable) -> None:
        """Raises OSError and SSLError of the certificates."""
        self._table = table
        tls = ssl.create_default_context(cafile=table.ca_file)
        self._client = httpx.AsyncClient(
            transport=PinnedTransport(allow_private=table.private_addresses, tls=tls),
            timeout=table.request_timeout_s,
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": _AGENT},
        )
        self._token: tuple[str, float] | None = None
        self._sent_secrets: dict[str, str] = {}
        """The latest of each kind: an answer may repeat them."""
        self._getting = asyncio.Lock()

    async def send(
        self, method: str, url: httpx.URL, *, key: str, headers: dict[str, str], body: bytes | None
    ) -> Answer:
        """The answer to one request. Raises FinalError for a host that is not allowed.

        Raises TokenError, SecretError, PrivateAddressError and UnresolvedError, with which nothing was sent;
        httpx.HTTPError; TimeoutError.
        """
        self._refuse_host(url)
        sent = {**headers, **await self._credentials()}
        if self._table.key_header is not None and key:
            sent[self._table.key_header] = key
        if self._table.signing_secret is not None:
            sent |= signature(read_secret(self._table.signing_secret), key or "none", (body or b"").decode())
        request = self._client.build_request(method, url, headers=sent, content=body)
        async with asyncio.timeout(self._table.request_timeout_s):
            return await self._sent(request)

    def without_secrets(self, text: str) -> str:
        """What the target said, without the credentials that were sent to it."""
        return without_secrets(text, self._sent_secrets.values())

    def forget_token(self) -> None:
        """Get a new token next time."""
        self._token = None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _sent(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._table.answer_max_kib * 1024:
                    body = b""
                    break
        finally:
            await response.aclose()
        return Answer(status=response.status_code, headers=response.headers, json=_json(body))

    def _refuse_host(self, url: httpx.URL) -> None:
        host = f"[{url.host}]" if ":" in url.host else url.host.lower()
        named = host if url.port is None else f"{host}:{url.port}"
        if named not in self._table.hosts:
            msg = f"Nothing was changed: the host {named} is not in `hosts`."
            raise FinalError(msg)
        if url.scheme != "https" and not (url.scheme == "http" and self._table.plain_http):
            msg = "Nothing was changed: the URL must begin with https://."
            raise FinalError(msg)

    async def _credentials(self) -> dict[str, str]:
        table = self._table
        found = {name: read_secret(place) for name, place in table.secret_headers.items()}
        if table.bearer is not None:
            found["authorization"] = f"Bearer {read_secret(table.bearer)}"
        if table.oauth is not None:
            found["authorization"] = f"Bearer {await self._access_token(table.oauth)}"
        self._sent_secrets |= {name: value.removeprefix("Bearer ") for name, value in found.items()}
        return found

    async def _access_token(self, oauth: OAuth) -> str:
        async with self._getting:
            if self._token is None or self._token[1] <= time.monotonic():
                self._token = await self._new_token(oauth)
            return self._token[0]

    async def _new_token(self, oauth: OAuth) -> tuple[str, float]:
        url = httpx.URL(oauth.token_url)
        self._refuse_host(url)
        form = {
            "grant_type": "client_credentials",
            "client_id": oauth.client_id,
            "client_secret": read_secret(oauth.client_secret),
        }
        if oauth.scope:
            form["scope"] = oauth.scope
        try:
            async with asyncio.timeout(self._table.request_timeout_s):
                answer = await self._sent(self._client.build_request("POST", url, data=form))
        except (httpx.HTTPError, TimeoutError) as error:
            msg = f"No token: {type(error).__name__}."
            raise TokenError(msg) from error
        token = answer.json.get("access_token") if isinstance(answer.json, dict) else None
        if answer.status != httpx.codes.OK or not isinstance(token, str) or not token.isprintable():
            code = answer.json.get("error", "") if isinstance(answer.json, dict) else ""
            msg = f"No token: the token endpoint answered with status {answer.status} {str(code)[:60]}"
            raise TokenError(msg.rstrip() + ".")
        lasts = answer.json.get("expires_in")
        lasts_s = float(lasts) if isinstance(lasts, int) and not isinstance(lasts, bool) else _TOKEN_USUAL_S
        return token, time.monotonic() + max(0.0, lasts_s - _TOKEN_MARGIN_S)


def _json(body: bytes) -> Any:
    try:
        return decode_exactly(body)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None
