"""What a command's Ed25519 signature covers. The signature itself is any library's."""

import hashlib
from typing import Final

KEY_HEADER: Final = "assent-key"
"""Header: the id of the key that signed, as registered in governance (UTF-8)."""
SIGNATURE_HEADER: Final = "assent-signature"
"""Header: base64url without padding of the 64 signature bytes."""

SIGNATURE_BYTES: Final = 64
PUBLIC_KEY_BYTES: Final = 32
COMMAND_PREFIX: Final = b"assent.command.v1\0"
"""What is signed begins with this; the SHA-256 of the value follows."""


def command_message(value: bytes) -> bytes:
    """The bytes to sign for a command whose Kafka value is `value`."""
    return COMMAND_PREFIX + hashlib.sha256(value).digest()
