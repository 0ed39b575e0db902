"""Ed25519 keys: files, signatures and verification (PyNaCl)."""

import hashlib
import hmac
import os
from pathlib import Path

import msgspec
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as Ed25519Key

from assent_contracts import cloudevents, seal
from assent_contracts.client.private_file import ExposedFileError, read_private_file
from assent_contracts.codec import encode
from assent_contracts.commands import Command, command_type
from assent_contracts.digests import from_base64url, to_base64url
from assent_contracts.eras import FIRST_ERA
from assent_contracts.governance_messages import GovernanceCommand
from assent_contracts.heads import head_message
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER, command_message
from assent_contracts.topics import LedgerName

_DERIVE_SALT = b"assent.derive.v1"


class KeyFileError(Exception):
    """The key file cannot be used. The message explains why and what to do."""


class KeyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a key file. It is secret, and readable by its owner only."""

    id: str
    principal: str
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"KeyFile({self.id!r}, {self.principal!r})"


class SecretKey:
    """A private key with its id and the principal that it signs for."""

    def __init__(self, key_id: str, principal: str, seed: bytes | None = None) -> None:
        """A new random key, or the key of a 32-byte seed."""
        self.id = key_id
        self.principal = principal
        self._key = Ed25519Key.generate() if seed is None else Ed25519Key(seed)
        self.public_key = bytes(self._key.verify_key)
        """The public key: 32 bytes."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"SecretKey({self.id!r}, {self.principal!r})"

    @property
    def public(self) -> str:
        """The public key in base64url."""
        return to_base64url(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(message).signature

    def derive(self, context: bytes) -> bytes:
        """A secret of 32 bytes for one purpose, which `context` names: HKDF-SHA-256 (RFC 5869) of the seed.

        It reveals nothing about the key, nor about the secret of another context.
        """
        extracted = hmac.digest(_DERIVE_SALT, bytes(self._key), hashlib.sha256)
        return hmac.digest(extracted, context + b"\x01", hashlib.sha256)

    def save(self, path: Path) -> None:
        """Write the key file, mode 0600. Raises FileExistsError rather than replace a key."""
        text = encode(KeyFile(id=self.id, principal=self.principal, secret=to_base64url(bytes(self._key))))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())


def load_key(path: Path) -> SecretKey:
    """The key in a key file, which others may not be able to read. Raises KeyFileError."""
    try:
        file = msgspec.json.decode(read_private_file(path), type=KeyFile)
        return SecretKey(file.id, file.principal, from_base64url(file.secret))
    except FileNotFoundError as error:
        msg = (
            f"There is no key file {path}. Restore it from a copy, or make another with `assent keys new`,"
            " which counts once it is registered."
        )
        raise KeyFileError(msg) from error
    except ExposedFileError as error:
        raise KeyFileError(str(error)) from error
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        # Without the error's own text, which may quote the secret.
        msg = f"{path} is not a readable key file ({type(error).__name__})."
        raise KeyFileError(msg) from error


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is this key's over `message`. Releases the GIL while it verifies."""
    try:
        crypto_sign_open(signature + message, public_key)
    except (BadSignatureError, ValueError):
        return False
    return True


def signed_headers(
    key: SecretKey, identity: str, command: Command | GovernanceCommand, value: bytes, source: str
) -> list[tuple[str, bytes]]:
    """The headers of a command whose Kafka value is `value`: CloudEvents, key id and signature.

    The signature is valid only in the log with this identity (hex).
    """
    return [
        *cloudevents.headers(
            event_type=command_type(command), event_id=command.id, source=source, at_ms=command.at
        ),
        (KEY_HEADER, key.id.encode()),
        (SIGNATURE_HEADER, to_base64url(key.sign(command_message(identity, value))).encode()),
    ]


def seal_headers(
    key: SecretKey,
    identity: str,
    ledger: LedgerName,
    partition: int,
    seq: int,
    value_sha256: bytes,
    era: str = FIRST_ERA,
) -> list[tuple[str, bytes]]:
    """The headers that seal the record `seq` in an era, and the run that ends there."""
    signature = key.sign(seal.seal_message(identity, ledger, partition, seq, value_sha256, era))
    return [
        (seal.WRITER_HEADER, key.id.encode()),
        (seal.SEAL_HEADER, to_base64url(signature).encode()),
    ]


def head_headers(key: SecretKey, identity: str, value: bytes) -> list[tuple[str, bytes]]:
    """The headers of a head whose Kafka value is `value`, signed for the log with this identity (hex)."""
    return writer_headers(key, head_message(identity, value))


def writer_headers(key: SecretKey, message: bytes) -> list[tuple[str, bytes]]:
    """The headers of a record for which a writer signs this message."""
    signature = to_base64url(key.sign(message))
    return [(seal.WRITER_HEADER, key.id.encode()), (seal.SEAL_HEADER, signature.encode())]
