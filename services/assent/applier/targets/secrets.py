"""Secrets of an applier's configuration. The file names where they are; it never contains them."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from assent.process_settings import SECRET_MAX_BYTES, SettingsError, read_secret_file

_FILE: Final = "file:"

Secret = Annotated[str, Meta(pattern=r"^(file:/[^\x00]+|env:[A-Z][A-Z0-9_]*)$")]
"""Where a secret is: `file:/run/secrets/token` or `env:TOKEN`."""


class SecretError(Exception):
    """A secret cannot be read. The message names its place and never its content."""


def read_secret(place: Secret, environ: Mapping[str, str] = os.environ) -> str:
    """The secret, without the line break at its end. Read at each use, so it can be renewed.

    Raises SecretError.
    """
    if place.startswith(_FILE):
        try:
            return read_secret_file(Path(place.removeprefix(_FILE)), f"secret {place}")
        except SettingsError as error:
            raise SecretError(str(error)) from error
    secret = environ.get(place.partition(":")[2], "")
    if not secret or len(secret.encode()) > SECRET_MAX_BYTES:
        msg = f"The secret {place} is empty, or has more than {SECRET_MAX_BYTES:,} bytes."
        raise SecretError(msg)
    return secret


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A target's text with `***` for each of these secrets. Such texts get onto the ledger, for ever."""
    # The longest first: one may contain another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
