"""Seals: the bytes that a writer signs for the last record of a produce batch, and the two headers."""

import hashlib
import struct
from typing import Final

from assent_contracts.eras import FIRST_ERA
from assent_contracts.topics import LedgerName

WRITER_HEADER: Final = "assent-writer"
"""Header: the id of the writer's key (UTF-8)."""
SEAL_HEADER: Final = "assent-seal"
"""Header: base64url without padding of the 64 signature bytes."""
_PREFIX: Final = b"assent.seal.v1\0"


def seal_message(
    identity: str, ledger: LedgerName, partition: int, seq: int, value_sha256: bytes, era: str
) -> bytes:
    """The bytes that a writer signs to seal the record `seq`, and with it the run that ends there.

    `identity`: the log's, 64 hex digits. So a seal is valid in one log only. `era`: see `eras.era_at`. On the
    governance ledger it is always the first era, because its chain contains the losses themselves.
    """
    place = ledger.encode() + b"\0" + struct.pack(">IQ", partition, seq)
    return _PREFIX + bytes.fromhex(identity) + place + value_sha256 + era.encode()


def seal_message_of(
    identity: str, ledger: LedgerName, partition: int, seq: int, value: bytes, era: str = FIRST_ERA
) -> bytes:
    """`seal_message` for a record's value."""
    return seal_message(identity, ledger, partition, seq, hashlib.sha256(value).digest(), era)
