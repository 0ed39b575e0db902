"""The settings of a gateway, besides those of every service. Secrets are in files, never in values."""

import ipaddress
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.gateway.client_limits import LiveLimits, SlowLimits
from assent.gateway.public_address import normal_url
from assent.process_settings import Faults, SettingsError

_USUAL_PORT: Final = 8700


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The provider that people sign in with and that machines get their tokens from."""

    issuer: str
    """ASSENT_OIDC_ISSUER: the provider's issuer, exactly as its tokens state it (a final slash counts). It
    must be https, except on loopback. Without it there is no provider."""
    client_id: str
    """ASSENT_OIDC_CLIENT_ID: the gateway's client id at the provider. Required with the issuer. Register
    `<public url>/sign-in/callback` there as redirect URI and `<public url>/` as post-logout redirect URI."""
    client_secret_file: Path | None
    """ASSENT_OIDC_CLIENT_SECRET_FILE: the file with the client's secret, read once at the start. Without it
    the gateway is a public client, protected by PKCE alone."""
    principal_claim: str
    """ASSENT_OIDC_PRINCIPAL_CLAIM: the claim with the account's id. Default: `sub`. Only `sub` is never
    given to another user. Use `preferred_username` only where users cannot change it and the provider
    never reuses it. `email` counts only with `email_verified`."""
    audience: str
    """ASSENT_OIDC_AUDIENCE: the audience (`aud`) that access tokens must have. Default: `assent`. It must not
    be the client id, which is the audience of id_tokens."""
    scope: str
    """ASSENT_OIDC_SCOPE: the scopes that the sign-in requests; `openid` must be among them. Default: `openid
    profile`."""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway listens, how people reach it, and how they prove who they are."""

    host: str
    """ASSENT_GATEWAY_HOST: the address on which the gateway listens. Default: `127.0.0.1`."""
    port: int
    """ASSENT_GATEWAY_PORT: the port on which the gateway listens. Default: `8700`."""
    public_url: str
    """ASSENT_PUBLIC_URL: the scheme and host by which browsers reach the gateway, such as
    `https://assent.example`. Links and redirects are built from it, and forms are accepted only from its
    pages. It must be https, except on loopback. Default: `http://localhost:8700`."""
    oidc: OidcSettings | None
    local_sign_in: Path | None
    """ASSENT_LOCAL_SIGN_IN_FILE: the file with the token of the demo's sign-in link, which asks for no
    password. Allowed on loopback only, and not together with a provider or a proxy. Without it there is no
    such link."""
    private_targets: bool
    """ASSENT_NOTIFY_ALLOW_PRIVATE: `1` lets notification targets have addresses that are not public, and
    lets webhooks use http. Give the notify service the same value. Default: `0`."""
    rate_per_second: int
    """ASSENT_GATEWAY_RATE: how many requests per second the gateway accepts from one account, and how many
    sign-ins and failed authentications from one address. Default: `100`."""
    trusted_proxies: tuple[str, ...] = ()
    """ASSENT_GATEWAY_TRUSTED_PROXIES: the networks of your proxies, separated by commas, such as
    `10.0.3.0/24`. The gateway believes X-Forwarded-For only from these. Set it behind a load balancer:
    otherwise all its traffic counts as one address, and one attacker can keep all users from signing in."""
    live: LiveLimits = LiveLimits()
    slow: SlowLimits = SlowLimits()

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by https. If so, cookies require it."""
        return self.public_url.startswith("https://")


def read_gateway_settings(environ: Mapping[str, str] = os.environ) -> GatewaySettings:
    """The settings of a gateway. Raises SettingsError, which names every fault."""
    faults = Faults()

    def number(name: str, usual: int, *, most: int) -> int:
        return faults.reading(lambda: _number(environ, name, usual, most=most), usual)

    host = environ.get("ASSENT_GATEWAY_HOST", "127.0.0.1")
    port = number("ASSENT_GATEWAY_PORT", _USUAL_PORT, most=65_535)
    settings = GatewaySettings(
        host=host,
        port=port,
        public_url=faults.reading(lambda: _public_url(environ, port), f"http://localhost:{port}"),
        oidc=faults.reading(lambda: _oidc(environ), None),
        local_sign_in=Path(local) if (local := environ.get("ASSENT_LOCAL_SIGN_IN_FILE")) else None,
        private_targets=environ.get("ASSENT_NOTIFY_ALLOW_PRIVATE", "") == "1",
        rate_per_second=number("ASSENT_GATEWAY_RATE", 100, most=1_000_000),
        trusted_proxies=faults.reading(lambda: _networks(environ, "ASSENT_GATEWAY_TRUSTED_PROXIES"), ()),
        live=LiveLimits(
            streams=number("ASSENT_GATEWAY_STREAMS", 10_000, most=100_000),
            streams_each=number("ASSENT_GATEWAY_STREAMS_EACH", 20, most=100_000),
        ),
    )
    faults.note(*_open_doors(settings))
    faults.raise_if_any()
    return settings


def _open_doors(settings: GatewaySettings) -> Iterator[str]:
    public = urlsplit(settings.public_url)
    if settings.local_sign_in is not None:
        yield from _open_local_sign_in(settings, public.hostname or "")
    if not settings.is_secure and not is_loopback(public.hostname or ""):
        yield "ASSENT_PUBLIC_URL must be https:// unless it is on loopback, because cookies are sent there."


def _open_local_sign_in(settings: GatewaySettings, public_host: str) -> Iterator[str]:
    if settings.oidc is not None:
        yield "ASSENT_LOCAL_SIGN_IN_FILE needs no password: unset it where ASSENT_OIDC_ISSUER is set."
    if settings.trusted_proxies:
        yield (
            "ASSENT_LOCAL_SIGN_IN_FILE is for this machine alone: unset it where"
            " ASSENT_GATEWAY_TRUSTED_PROXIES is set."
        )
    if not is_loopback(settings.host):
        yield f"ASSENT_LOCAL_SIGN_IN_FILE needs no password: use it on loopback only, not on {settings.host}."
    if not is_loopback(public_host):
        yield "ASSENT_LOCAL_SIGN_IN_FILE works on loopback only: ASSENT_PUBLIC_URL names another host."


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone, by its name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _public_url(environ: Mapping[str, str], port: int) -> str:
    url = environ.get("ASSENT_PUBLIC_URL") or f"http://localhost:{port}"
    try:
        return normal_url(url)
    except ValueError as error:
        raise SettingsError(
            "ASSENT_PUBLIC_URL must be only a scheme and host, such as https://assent.example,"
            f" but {error}: {_shown(url)}."
        ) from error


def _shown(url: str) -> str:
    # The part before an @ may be a password.
    return repr(url.rpartition("@")[2])


def _oidc(environ: Mapping[str, str]) -> OidcSettings | None:
    issuer = environ.get("ASSENT_OIDC_ISSUER")
    if not issuer:
        return None
    faults = Faults()
    client_id = environ.get("ASSENT_OIDC_CLIENT_ID", "")
    if not client_id:
        faults.note("Set ASSENT_OIDC_CLIENT_ID: this gateway's client id at the provider.")
    secret_file = environ.get("ASSENT_OIDC_CLIENT_SECRET_FILE")
    settings = OidcSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret_file=Path(secret_file) if secret_file else None,
        principal_claim=environ.get("ASSENT_OIDC_PRINCIPAL_CLAIM", "sub"),
        audience=environ.get("ASSENT_OIDC_AUDIENCE", "assent"),
        scope=environ.get("ASSENT_OIDC_SCOPE", "openid profile"),
    )
    faults.note(*_weak_oidc(settings))
    faults.raise_if_any()
    return settings


def _weak_oidc(settings: OidcSettings) -> Iterator[str]:
    parts = urlsplit(settings.issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        yield f"ASSENT_OIDC_ISSUER must be https:// unless it is on loopback: {settings.issuer!r}."
    if parts.query or parts.fragment:
        yield f"ASSENT_OIDC_ISSUER must not have a query or fragment: {settings.issuer!r}."
    if settings.audience == settings.client_id:
        yield (
            "ASSENT_OIDC_AUDIENCE must differ from ASSENT_OIDC_CLIENT_ID:"
            " otherwise id_tokens would be accepted as access tokens."
        )
    if "openid" not in settings.scope.split():
        yield "ASSENT_OIDC_SCOPE must contain `openid`: otherwise there is no id_token."


def _number(environ: Mapping[str, str], name: str, usual: int, *, most: int) -> int:
    value = environ.get(name)
    if not value:
        return usual
    if not value.isdecimal() or not 0 < int(value) <= most:
        raise SettingsError(f"{name} is not a number from 1 to {most:,}: {value!r}.")
    return int(value)


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks: list[str] = []
    for text in (each.strip() for each in environ.get(name, "").split(",") if each.strip()):
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise SettingsError(
                f"{name} must be networks such as 10.0.3.0/24, separated by commas: {error}."
            ) from error
        if network.prefixlen == 0:
            raise SettingsError(
                f"{name} must not include every address: {text} would let any client forge its address."
            )
        networks.append(str(network))
    return tuple(networks)
