"""Which network addresses targets may have: only public ones, unless the operator allows others."""

import ipaddress
import socket
from typing import Final

from assent.targets.own_thread import in_own_thread

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SPECIAL: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        # Also not for hosts on the internet, but not every version of Python knows them.
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b:1::/48",
        "2001:2::/48",
        "3fff::/20",
        "5f00::/16",
    )
)
ADDRESSES_MAX: Final = 4
"""At most this many addresses of one name are tried."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PrivateAddressError(PermissionError):
    """A target leads to an address that is not public. The message does not name the address."""

    def __init__(self) -> None:
        super().__init__("It leads to an address that is not public.")


class UnresolvedError(Exception):
    """The target's host has no address now."""

    def __init__(self) -> None:
        super().__init__("Its host has no address.")


def is_public(text: str) -> bool:
    """Whether this is the address of a host on the internet, in the usual notation. A name is not.

    An address that contains an IPv4 address is as public as that one.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_plainly_public(address)
    if address.ipv4_mapped is not None:
        return _is_plainly_public(address.ipv4_mapped)
    return all(_is_plainly_public(each) for each in (address, *_inside(address)))


def _is_plainly_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or getattr(address, "is_site_local", False)
        or getattr(address, "scope_id", None) is not None
        or any(address in network for network in _SPECIAL)
    )


def _inside(address: ipaddress.IPv6Address) -> list[Address]:
    """The IPv4 addresses that a router on the way would extract from this one."""
    found: list[Address | None] = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [each for each in found if each is not None]


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses to connect to, checked. The caller must use these and not resolve the name again.

    Raises UnresolvedError, and PrivateAddressError when one of them is not public.
    """
    try:
        # Not in the loop's few threads: a name that takes long must not delay those of Kafka and Postgres.
        found = await in_own_thread(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), "resolver"
        )
    except (OSError, UnicodeError) as error:
        raise UnresolvedError from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if not addresses:
        raise UnresolvedError
    if not allow_private and not all(is_public(address) for address in addresses):
        raise PrivateAddressError
    return addresses[:ADDRESSES_MAX]
