"""Which URLs are allowed for a target, and how they are shown. Nothing is resolved or connected here."""

import base64
import binascii
import ipaddress
import re
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import httpx

from assent.targets.addresses import is_public
from assent.targets.apprise_import import instance_of, parts_of

TargetKind = Literal["apprise", "webhook"]
URL_MAX_CHARS: Final = 2_048
SECRET_BYTES: Final = 32
_SECRET_BYTES_MIN: Final = 24
_SECRET_BYTES_MAX: Final = 64
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix of every such secret

MAIL: Final = frozenset({"mailto", "mailtos"})
_WITH_HOST: Final = MAIL | {"ntfys", "gotifys", "mmosts", "rockets", "workflow", "workflows"}
APPRISE_SCHEMAS: Final = _WITH_HOST | {"slack", "discord", "tgram", "gchat", "webex", "wxteams", "zulip"}
"""Mail and chat. None of them runs a program. With the options below, none reads or fetches a file."""
_OPTIONS: Final = frozenset({"to", "from", "name", "smtp", "mode", "user", "pass", "port", "priority"})
_SCHEMA: Final = re.compile(r"([a-z]+)://")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DECODED_MAX: Final = 5

RefusalReason = Literal[
    "url-malformed",
    "url-too-long",
    "scheme-not-allowed",
    "option-not-allowed",
    "private-address",
    "secret-malformed",
    "unknown-event",
    "too-many-targets",
    "target-exists",
]


class TargetRefusedError(Exception):
    """A target is refused; the message is for its owner and does not repeat the URL."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason: Final = reason


def check_url(kind: TargetKind, url: str, *, allow_private: bool) -> None:
    """Raises TargetRefusedError. For Apprise the first call takes a second: not in an event loop."""
    if len(url) > URL_MAX_CHARS:
        raise TargetRefusedError("url-too-long", f"A URL has at most {URL_MAX_CHARS} characters.")
    if _UNPRINTABLE.search(url):
        raise TargetRefusedError(
            "url-malformed", "A URL has no blanks, backslashes or control characters: encode them."
        )
    if _hides_control(url):
        raise TargetRefusedError("url-malformed", "A URL has no control characters, not even encoded ones.")
    if kind == "webhook":
        _check_webhook(url, allow_private=allow_private)
    else:
        _check_apprise(url, allow_private=allow_private)


def _hides_control(url: str) -> bool:
    """Whether repeated decoding brings out a character that could end a header's line."""
    for _ in range(_DECODED_MAX):
        decoded = unquote(url, errors="replace")
        if _CONTROL.search(decoded):
            return True
        if decoded == url:
            return False
        url = decoded
    # Nothing legitimate is encoded so often.
    return True


def _check_webhook(url: str, *, allow_private: bool) -> None:
    try:
        parsed = httpx.URL(url)
        host, port, user = parsed.host, parsed.port, parsed.userinfo
    except (httpx.InvalidURL, ValueError) as error:
        raise TargetRefusedError("url-malformed", "That is not a valid URL.") from error
    if parsed.scheme not in (("https", "http") if allow_private else ("https",)):
        raise TargetRefusedError("scheme-not-allowed", "A webhook's URL begins with https://.")
    if not host or user or parsed.fragment or not (port is None or 0 < port < 65_536):
        raise TargetRefusedError(
            "url-malformed", "A webhook's URL has a host, and no user, password or fragment."
        )
    _check_host(host, allow_private=allow_private)


def _check_apprise(url: str, *, allow_private: bool) -> None:
    schema = _SCHEMA.match(url)
    if schema is None or schema[1] not in APPRISE_SCHEMAS:
        allowed = ", ".join(f"{each}://" for each in sorted(APPRISE_SCHEMAS))
        raise TargetRefusedError("scheme-not-allowed", f"For mail and chat, these are allowed: {allowed}.")
    found = _as_apprise_reads_it(url)
    options = {str(name).lower() for name in found.get("qsd") or {}}
    if options - _OPTIONS or any(found.get(f"qsd{sign}") for sign in "+-:"):
        allowed = ", ".join(sorted(_OPTIONS))
        raise TargetRefusedError("option-not-allowed", f"Only these options are allowed: {allowed}.")
    if found["schema"] in _WITH_HOST:
        for host in (found.get("host"), found.get("smtp_host")):
            if host:
                _check_host(str(host), allow_private=allow_private)


def _as_apprise_reads_it(url: str) -> dict[str, Any]:
    found = parts_of(url)
    if not found or found.get("schema") not in APPRISE_SCHEMAS or instance_of(url) is None:
        raise TargetRefusedError("url-malformed", "Not a valid URL of this service, or a part is missing.")
    return found


def _check_host(host: str, *, allow_private: bool) -> None:
    # A name is checked by its addresses, each time that something is sent to it.
    if allow_private:
        return
    bare = host.strip("[]").partition("%")[0].rstrip(".").lower()
    try:
        private = not is_public(str(ipaddress.ip_address(bare)))
    except ValueError:
        private = bare == "localhost" or bare.endswith((".localhost", ".local", ".internal"))
    if private:
        raise TargetRefusedError("private-address", "Its host is not on the public internet.")


def check_secret(secret: str) -> None:
    """Whether a webhook can be signed with it, by Standard Webhooks. Raises TargetRefusedError."""
    try:
        size = len(base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(_SECRET_PREFIX) or not _SECRET_BYTES_MIN <= size <= _SECRET_BYTES_MAX:
        raise TargetRefusedError(
            "secret-malformed",
            f"A secret is {_SECRET_PREFIX} and {_SECRET_BYTES_MIN} to {_SECRET_BYTES_MAX} bytes in base64.",
        )


def secret_of(content: bytes) -> str:
    """These bytes as a webhook's secret."""
    return _SECRET_PREFIX + base64.b64encode(content).decode()


def masked(url: str) -> str:
    """A URL as it may be shown: its scheme, and its host unless that is a secret."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname
    except ValueError:
        return "***"
    if host and (scheme in _WITH_HOST or scheme in ("http", "https")):
        return f"{scheme}://{host}/***"
    return f"{scheme}://***"
