"""Limits for unauthenticated requests, counted by address."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from litestar import Request

from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem

_OF_ONE_NETWORK: Final = 64
"""Bits of an IPv6 address. The owner of one address has the rest of its network too."""
_NOT_PROVED: Final = frozenset({400, 401, 403})


def stranger(request: Request[Any, Any, Any]) -> str:
    """The name under which unauthenticated requests are counted: the address behind the trusted proxies."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "A client at an unknown address"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        network = ipaddress.ip_network((int(address), _OF_ONE_NETWORK), strict=False)
        return f"A client at {mapped or network}"
    return f"A client at {address}"


@contextmanager
def proving(request: Request[Any, Any, Any], gateway: Gateway) -> Iterator[None]:
    """Check credentials within this context. Clients with too many failures are refused beforehand.

    Raises Problem: too-many-requests. Valid credentials cost nothing.
    """
    who = stranger(request)
    gateway.rates.refuse_spent(who)
    try:
        yield
    except Problem as problem:
        if problem.status in _NOT_PROVED:
            gateway.rates.spend(who)
        raise
