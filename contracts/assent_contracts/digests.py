"""Hashes and the text form of binary values: lower-case hex, and base64url without padding."""

import base64
import hashlib
from typing import Final

DIGEST_PATTERN: Final = r"[0-9a-f]{64}"


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def to_base64url(data: bytes) -> str:
    """`data` in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes behind base64url without padding.

    Raises ValueError for anything else, a non-canonical last character included.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        msg = "not base64url without padding"
        raise ValueError(msg) from error
    # The decoder passes over what is no base64: only the one text that stands for `data` is taken.
    if to_base64url(data) != text:
        msg = "not base64url without padding"
        raise ValueError(msg)
    return data
