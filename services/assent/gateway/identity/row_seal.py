"""Rows that only a gateway can have written: each carries a MAC of everything that is believed from it.

The secret is derived from the gateway's own signing key, so whoever can write to Postgres but lacks that key
signs nobody in. Gateways with the same key believe each other's rows, and no others (decision 0018).
"""

import hmac
from typing import Final

import msgspec

from assent_contracts.client.keys import SecretKey

_MAC: Final = "sha256"


class RowSeal:
    """Seals the rows of one table with the key of one gateway."""

    def __init__(self, key: SecretKey, table: str) -> None:
        """`table`: no row of one table passes for one of another."""
        self.key_id: Final = key.id
        self._secret: Final = key.derive(f"assent.gateway.{table}.v1".encode())

    def __repr__(self) -> str:
        """Without the secret."""
        return f"RowSeal({self.key_id!r})"

    def mac(self, *believed: str | int | bytes | None) -> bytes:
        """The MAC of a row's columns, in their order."""
        # MessagePack gives each value its type and length: no two rows have the same bytes.
        return hmac.digest(self._secret, msgspec.msgpack.encode(believed), _MAC)

    def holds(self, mac: bytes, *believed: str | int | bytes | None) -> bool:
        """Whether this gateway, or one with the same key, has written the row."""
        return hmac.compare_digest(mac, self.mac(*believed))
