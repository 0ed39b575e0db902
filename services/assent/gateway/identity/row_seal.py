"""Rows that only a gateway can have written: each has a MAC over every column that the gateway trusts.

The secret is derived from the gateway's own signing key, so an attacker who can write to Postgres but lacks
that key cannot sign anybody in. Gateways with the same key trust each other's rows, and no others (decision
0018).
"""

import hmac
from typing import Final

import msgspec

from assent_contracts.client.keys import SecretKey

_MAC: Final = "sha256"


class RowSeal:
    """Seals the rows of one table with the key of one gateway."""

    def __init__(self, key: SecretKey, table: str) -> None:
        """`table`: a row of one table must not be valid in another."""
        self.key_id: Final = key.id
        self._secret: Final = key.derive(f"assent.gateway.{table}.v1".encode())

    def __repr__(self) -> str:
        """Without the secret."""
        return f"RowSeal({self.key_id!r})"

    def mac(self, *believed: str | int | bytes | None) -> bytes:
        """The MAC of a row's columns, in their order."""
        # MessagePack encodes the type and length of each value, so no two rows have the same bytes.
        return hmac.digest(self._secret, msgspec.msgpack.encode(believed), _MAC)

    def holds(self, mac: bytes, *believed: str | int | bytes | None) -> bool:
        """Whether this gateway, or one with the same key, wrote the row."""
        return hmac.compare_digest(mac, self.mac(*believed))
