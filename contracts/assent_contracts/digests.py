"""Hashes and the text form of binary values: lower-case hex, and base64url without padding."""

import base64
import binascii
import hashlib
from typing import Final

DIGEST_PATTERN: Final = r"[0-9a-f]{64}"
_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""From the alphabet for URLs to the standard one. Characters of the standard one alone become invalid."""


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
    padded = text.encode().translate(_TO_STANDARD) + b"=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(padded)
    except ValueError as error:
        msg = "not base64url without padding"
        raise ValueError(msg) from error
    # The decoder skips characters that are not base64, so accept only the one text that encodes `data`.
    if binascii.b2a_base64(data, newline=False) != padded:
        msg = "not base64url without padding"
        raise ValueError(msg)
    return data
