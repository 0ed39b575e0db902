"""What a command's Ed25519 signature covers. Any library can make the signature itself."""

import hashlib
from typing import Final

KEY_HEADER: Final = "assent-key"
"""Header: the id of the key that signed, as registered in governance (UTF-8)."""
SIGNATURE_HEADER: Final = "assent-signature"
"""Header: base64url without padding of the 64 signature bytes."""

SIGNATURE_BYTES: Final = 64
PUBLIC_KEY_BYTES: Final = 32
COMMAND_PREFIX: Final = b"assent.command.v1\0"
"""The start of the signed bytes. The log's identity and the SHA-256 of the value follow."""
NO_IDENTITY: Final = "0" * 64
"""Used for the identity in the signature of governance record 0's command, because that record makes it."""


def command_prefix(identity: str) -> bytes:
    """The start of the signed bytes of every command for one log. `identity` is 64 hex digits.

    It makes a signature valid in one log only, because two logs can have requests with the same ids.
    """
    return COMMAND_PREFIX + bytes.fromhex(identity)


def command_message(identity: str, value: bytes) -> bytes:
    """The bytes to sign for a command whose Kafka value is `value`, for the log with this identity (hex)."""
    return command_prefix(identity) + hashlib.sha256(value).digest()
