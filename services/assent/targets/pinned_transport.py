"""HTTP connections that go only to addresses that were checked."""

import ssl
from typing import Final

import httpx

from assent.targets.addresses import resolve

_NO_KEEP_ALIVE: Final = httpx.Limits(max_keepalive_connections=0)
"""A kept connection would be found again by its address alone, although its certificate is of another
name.
"""


class PinnedTransport(httpx.AsyncBaseTransport):
    """Resolves a name once, checks the addresses, and connects to one of them.

    The name in the URL is used only for TLS and the Host header, so that a second lookup cannot lead
    elsewhere. Raises PrivateAddressError and UnresolvedError, apart from what httpx raises. Follows no proxy
    of the environment.
    """

    def __init__(self, *, allow_private: bool, tls: ssl.SSLContext) -> None:
        self._allow_private = allow_private
        self._inner = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_NO_KEEP_ALIVE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the first address that can be connected to."""
        host = request.url.raw_host.decode()
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        failed: httpx.TransportError | None = None
        for address in await resolve(host, port, allow_private=self._allow_private):
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        assert failed is not None, "a name has at least one address"
        raise failed

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()
