"""Hashes and the text form of binary values: lower-case hex, and base64url without padding."""

import base64
import binascii
import hashlib
import re
from typing import Final

DIGEST_PATTERN: Final = r"[0-9a-f]{64}"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


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
    if _BASE64URL.fullmatch(text) is None:
        msg = "not base64url without padding"
        raise ValueError(msg)
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        msg = "not base64url without padding"
        raise ValueError(msg) from error
    if to_base64url(data) != text:
        msg = "not canonical base64url"
        raise ValueError(msg)
    return data
