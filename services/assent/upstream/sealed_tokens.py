"""Tokens of callers, sealed while they are in Postgres: who reads the table cannot use them."""

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from assent_contracts.client.keys import SecretKey

_CONTEXT = b"assent.upstream.caller-tokens.v1"


class UnsealError(ValueError):
    """It was sealed with another key."""


class TokenSeal:
    """Seals with a secret that is derived from the service's own key."""

    def __init__(self, key: SecretKey) -> None:
        self._box = SecretBox(key.derive(_CONTEXT))

    def seal(self, token: str) -> bytes:
        """The token, encrypted and authenticated (XSalsa20-Poly1305)."""
        return bytes(self._box.encrypt(token.encode()))

    def unseal(self, sealed: bytes) -> str:
        """The token. Raises UnsealError."""
        try:
            return self._box.decrypt(sealed).decode()
        except (CryptoError, UnicodeDecodeError) as error:
            raise UnsealError("The token was sealed with another key.") from error
