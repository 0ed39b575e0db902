"""Commands whose signatures are checked later, because that costs more than everything else together."""

from collections.abc import Callable

import msgspec

from assent_contracts.core.received import C, Envelope, Received, signature_bytes
from assent_contracts.signing import command_prefix

VerifySignature = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> whether an Ed25519 library finds the signature good."""


class SignedCommand(msgspec.Struct, frozen=True, gc=False):
    """What a check needs: the named key, the SHA-256 of the command's bytes, and the signature."""

    public_key: bytes
    value_sha256: bytes
    signature: bytes


def signed_command(it: Envelope | Received[C], public_key: bytes | None) -> SignedCommand | None:
    """The command with this key; None if there is no such key or no signature of 64 bytes."""
    signature = signature_bytes(it)
    if public_key is None or signature is None:
        return None
    return SignedCommand(public_key, it.value_sha256, signature)


class CommandSignatures:
    """Checks signatures, for one log."""

    def __init__(self, identity: str, verify: VerifySignature) -> None:
        """`identity`: the log's (hex), or NO_IDENTITY for the command of governance record 0."""
        self._prefix = command_prefix(identity)
        self._verify = verify

    def is_good(self, command: SignedCommand | None) -> bool:
        """Whether the key signed these bytes for this log. False without a key or a signature."""
        return command is not None and self._verify(
            command.public_key, self._prefix + command.value_sha256, command.signature
        )

    def has_signed(self, envelope: Envelope, public_key: bytes) -> bool:
        """Whether this key (32 bytes) signed an envelope's value for this log."""
        return self.is_good(signed_command(envelope, public_key))
