"""Whether a command reaches a log directly or through a gateway."""

import asyncio
import ipaddress
import re
from urllib.parse import urlsplit

from assent.cli.connection.log_access import UnreachableError, log_access
from assent.cli.connection.log_client import LogClient
from assent.cli.connection.signing_key import signing_key_of
from assent.cli.options import AccessOptions, Options
from assent.local.data_directory import Directory
from assent.local.founded_log import NotFounded, read_founded
from assent_contracts.client.keys import SecretKey
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import DIGEST_PATTERN

_URL_MAX_CHARS = 300


def log_client(access: AccessOptions, options: Options, key: SecretKey | None = None) -> LogClient:
    """Through a gateway with --server or ASSENT_SERVER, else directly, as `log_access` finds the log.

    `key`: the key to ask and sign with, where the command needs it either way. Raises what `log_access`
    and `key_of` raise.
    """
    if access.server is None:
        from assent.cli.connection.direct_log import DirectLog

        return DirectLog(log_access(options), options, key, access.timeout)
    from assent.cli.connection.gateway_http import GatewayAccess
    from assent.cli.connection.gateway_log import GatewayLog

    url, is_loopback = _server_url(access.server)
    gateway = GatewayAccess(url, is_loopback, key or signing_key_of(access, options), access.timeout)
    return GatewayLog(gateway, _identity_of(access, options))


def governance_now(access: AccessOptions, options: Options) -> Governance:
    """The state of governance now. Raises what `log_client` and its LogClient raise."""
    return asyncio.run(log_client(access, options).governance())


def _identity_of(access: AccessOptions, options: Options) -> str:
    """The log's identity. Raises UnreachableError."""
    identity = access.identity
    if identity is None:
        try:
            identity = read_founded(Directory(options.data.resolve())).identity
        except NotFounded:
            raise UnreachableError(
                "Name the log that this is for: --identity, or ASSENT_IDENTITY. It is 64 hex digits, the same"
                " for all users; get it from an administrator (`assent env` prints it), not from the gateway."
            ) from None
    if re.fullmatch(DIGEST_PATTERN, identity) is None:
        raise UnreachableError(f"--identity is 64 lower-case hex digits, not {identity[:80]!r}.")
    return identity


def _server_url(text: str) -> tuple[str, bool]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username, parts.password)
    if parts.scheme not in ("http", "https") or not host or any(rest) or len(text) > _URL_MAX_CHARS:
        raise UnreachableError(
            f"--server is a scheme and a host, such as https://assent.example, not {text[:100]!r}."
        )
    is_loopback = _is_loopback(host)
    if parts.scheme == "http" and not is_loopback:
        raise UnreachableError(
            f"--server {text} is not encrypted: others on the network could read what you read."
            " Use https://; http:// is for this machine alone."
        )
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}", is_loopback


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
