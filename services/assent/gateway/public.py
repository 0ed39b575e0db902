"""By which address people reach a gateway: read once into one form, with which every other is compared."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

_USUAL_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
HOME: Final = "/"
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")


def normal_url(text: str) -> str:
    """A scheme and host as browsers write them: in small letters, without the scheme's usual port.

    Raises ValueError with what is wrong.
    """
    url = text.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in _USUAL_PORTS or not parts.hostname:
        raise ValueError("it is no scheme and host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it names a user or a password")
    if parts.path or parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("it is more than scheme and host")
    if not url.isascii() or not url.isprintable() or any(each in parts.netloc for each in " %\\"):
        raise ValueError("its host is not written in plain letters (xn--...)")
    # Reading the port raises ValueError where there can be none such.
    port = parts.port
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("its port is none")
    usual = port in (None, _USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{_host(parts.hostname)}{'' if usual else f':{port}'}"


def _host(name: str) -> str:
    return f"[{ipaddress.IPv6Address(name).compressed}]" if ":" in name else name


def hosts_of(public_url: str) -> frozenset[str]:
    """The Host headers of requests that are meant for this gateway; `public_url` is a normal one.

    On loopback each of its names is as good as another: no other site's name leads here under one of them.
    """
    netloc = urlsplit(public_url).netloc
    host, colon, port = netloc, "", ""
    if not netloc.endswith("]"):
        host, colon, port = netloc.rpartition(":") if ":" in netloc else (netloc, "", "")
    names = _LOOPBACK if host in _LOOPBACK else (host,)
    return frozenset(f"{name}{colon}{port}" for name in names)


def origins_of(public_url: str) -> frozenset[str]:
    """The Origin headers of its own pages: with each of its hosts."""
    scheme = urlsplit(public_url).scheme
    return frozenset(f"{scheme}://{host}" for host in hosts_of(public_url))


def names_loopback(host_header: str) -> bool:
    """Whether a Host header names this machine, at whichever port."""
    return host_header.lower() in _LOOPBACK or host_header.lower().rpartition(":")[0] in _LOOPBACK


def safe_return(path: str) -> str:
    """The path to continue at after a sign-in, if it is one of this site; else the first page.

    Never another site: that would be an open redirect.
    """
    return path if _PATH.fullmatch(path) else HOME
