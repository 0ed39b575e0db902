"""The address by which people reach a gateway, in a normal form with which others are compared."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

_USUAL_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
HOME: Final = "/"
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")


def normal_url(text: str) -> str:
    """A scheme and host as browsers write them: in lower case, without the scheme's default port.

    Raises ValueError with what is wrong.
    """
    url = text.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in _USUAL_PORTS or not parts.hostname:
        raise ValueError("it is not a scheme and host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it contains a user name or password")
    if parts.path or parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("it contains more than a scheme and host")
    if not url.isascii() or not url.isprintable() or any(each in parts.netloc for each in " %\\"):
        raise ValueError("its host is not in ASCII form (xn--...)")
    # Reading an invalid port raises ValueError.
    port = parts.port
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("its port is not valid")
    usual = port in (None, _USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{_host(parts.hostname)}{'' if usual else f':{port}'}"


def _host(name: str) -> str:
    return f"[{ipaddress.IPv6Address(name).compressed}]" if ":" in name else name


def hosts_of(public_url: str) -> frozenset[str]:
    """The Host headers of requests that are meant for this gateway. `public_url` is in normal form.

    On loopback all its names are accepted, because no other site can have one of them.
    """
    netloc = urlsplit(public_url).netloc
    host, colon, port = netloc, "", ""
    if not netloc.endswith("]"):
        host, colon, port = netloc.rpartition(":") if ":" in netloc else (netloc, "", "")
    names = _LOOPBACK if host in _LOOPBACK else (host,)
    return frozenset(f"{name}{colon}{port}" for name in names)


def origins_of(public_url: str) -> frozenset[str]:
    """The Origin headers of its own pages, for each of its hosts."""
    scheme = urlsplit(public_url).scheme
    return frozenset(f"{scheme}://{host}" for host in hosts_of(public_url))


def names_loopback(host_header: str) -> bool:
    """Whether a Host header names this machine, at any port."""
    return host_header.lower() in _LOOPBACK or host_header.lower().rpartition(":")[0] in _LOOPBACK


def safe_return(path: str) -> str:
    """The path to continue to after a sign-in if it is on this site, otherwise the start page.

    Never another site: that would be an open redirect.
    """
    return path if _PATH.fullmatch(path) else HOME
