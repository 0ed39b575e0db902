"""Those who have not proved yet who they are: what comes from one address is counted, and limited."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from litestar import Request

from assent.gateway.components import Gateway
from assent.gateway.problems import Problem

_OF_ONE_NETWORK: Final = 64
"""Bits of an IPv6 address: whoever has one has all of the rest."""
_NOT_PROVED: Final = frozenset({400, 401, 403})


def stranger(request: Request[Any, Any, Any]) -> str:
    """Whom requests without a proof are counted for: the address, behind the proxies that are trusted."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "Somebody at an unknown address"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        network = ipaddress.ip_network((int(address), _OF_ONE_NETWORK), strict=False)
        return f"Somebody at {mapped or network}"
    return f"Somebody at {address}"


@contextmanager
def proving(request: Request[Any, Any, Any], gateway: Gateway) -> Iterator[None]:
    """Look at a proof inside of this: who has brought too many that are none is refused before that.

    Raises Problem: too-many-requests. A proof that holds costs nothing.
    """
    who = stranger(request)
    gateway.rates.refuse_spent(who)
    try:
        yield
    except Problem as problem:
        if problem.status in _NOT_PROVED:
            gateway.rates.spend(who)
        raise
