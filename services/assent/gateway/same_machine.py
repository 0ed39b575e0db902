"""Whether a request comes from this machine itself, without a proxy."""

import ipaddress
from typing import Any, Final

from litestar import Request

from assent.gateway.gateway_components import Gateway
from assent.gateway.public_address import names_loopback

_PROXIED: Final = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-host",
        "x-original-forwarded-for",
        "x-envoy-external-address",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
    }
)
_PROXIED_PREFIX: Final = "x-forwarded"
"""Headers that a proxy adds. With them, the address is the proxy's, not the sender's."""


def is_local(request: Request[Any, Any, Any], gateway: Gateway) -> bool:
    """Whether it comes from this machine and not through a proxy, not even one on this machine.

    The address is that of the TCP connection. A proxy is recognised by the headers that it adds, by the host
    name that people opened, or by being configured. Other proxies are not recognised, so what is limited to
    this machine needs a secret as well.
    """
    if gateway.settings.trusted_proxies or any(_is_a_proxys(name) for name in request.headers):
        return False
    if request.client is None or not names_loopback(request.headers.get("host", "")):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _is_a_proxys(header: str) -> bool:
    name = header.lower()
    return name in _PROXIED or name.startswith(_PROXIED_PREFIX)
