"""The settings of the notify service, besides those of every service."""

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.process_settings import Faults, SettingsError

ATTEMPTS_DEFAULT: Final = 10
_ATTEMPTS_MAX: Final = 100


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the notify service, besides those of every service."""

    public_url: str | None = None
    """ASSENT_PUBLIC_URL: the address of the console, for links in messages. Without it messages have no
    links."""
    allow_private: bool = False
    """ASSENT_NOTIFY_ALLOW_PRIVATE: `1` lets targets have addresses that are not public, and lets webhooks
    use http. Give the gateway the same value. Default: `0`."""
    attempts: int = ATTEMPTS_DEFAULT
    """ASSENT_NOTIFY_ATTEMPTS: after this many failed attempts a message becomes a dead letter. Default:
    `10`."""


def read_notify_settings(environ: Mapping[str, str] = os.environ) -> NotifySettings:
    """The settings of this process. Raises SettingsError, which names every fault."""
    faults = Faults()
    attempts = environ.get("ASSENT_NOTIFY_ATTEMPTS") or str(ATTEMPTS_DEFAULT)
    settings = NotifySettings(
        public_url=faults.reading(lambda: _public_url(environ.get("ASSENT_PUBLIC_URL", "")), None),
        allow_private=faults.reading(
            lambda: _switch(environ, "ASSENT_NOTIFY_ALLOW_PRIVATE"), otherwise=False
        ),
        attempts=faults.reading(lambda: _attempts(attempts), ATTEMPTS_DEFAULT),
    )
    faults.raise_if_any()
    return settings


def _public_url(text: str) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"ASSENT_PUBLIC_URL is not like https://assent.example.com: {text!r}.")
    return text.rstrip("/")


def _switch(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name) or "0"
    if value not in ("0", "1"):
        raise SettingsError(f"{name} is 0 or 1, not {value!r}.")
    return value == "1"


def _attempts(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _ATTEMPTS_MAX:
        raise SettingsError(f"ASSENT_NOTIFY_ATTEMPTS is a number from 1 to {_ATTEMPTS_MAX}, not {text!r}.")
    return int(text)
