"""Two ways to sign: Ed25519, and a keyed hash that takes a fraction of the time."""

import hashlib
from typing import Final, Protocol

from nacl.signing import SigningKey

from assent_contracts.client.keys import verify_signature as verify_ed25519


class Signing(Protocol):
    """Keys by their ids, which everybody in the world has unless a run changes that."""

    def public(self, key_id: str) -> bytes:
        """The 32 bytes of the public key."""
        ...

    def sign(self, key_id: str, message: bytes) -> bytes:
        """64 bytes."""
        ...

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the key made this signature over the message."""
        ...


class _Fast:
    """Knowing a public key is enough to sign, but in the simulation only `sign` does."""

    def __init__(self) -> None:
        self._public: dict[str, bytes] = {}

    def public(self, key_id: str) -> bytes:
        known = self._public.get(key_id)
        if known is None:
            known = self._public[key_id] = hashlib.sha256(key_id.encode()).digest()
        return known

    def sign(self, key_id: str, message: bytes) -> bytes:
        return hashlib.blake2b(message, key=self.public(key_id)).digest()

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        return hashlib.blake2b(message, key=public_key).digest() == signature


class _Ed25519:
    def __init__(self) -> None:
        self._keys: dict[str, SigningKey] = {}

    def _key(self, key_id: str) -> SigningKey:
        if key_id not in self._keys:
            self._keys[key_id] = SigningKey(hashlib.sha256(key_id.encode()).digest())
        return self._keys[key_id]

    def public(self, key_id: str) -> bytes:
        return bytes(self._key(key_id).verify_key)

    def sign(self, key_id: str, message: bytes) -> bytes:
        return self._key(key_id).sign(message).signature

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        return verify_ed25519(public_key, message, signature)


FAST: Final[Signing] = _Fast()
REAL: Final[Signing] = _Ed25519()
