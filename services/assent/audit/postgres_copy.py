"""Rows of the audit table in Postgres's binary COPY format, built by hand.

asyncpg's own encoder handles each value of each row in Python; this writes whole rows of wire bytes.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from aiokafka import TopicPartition

from assent.store.audit_row import COLUMNS, row_of
from assent.store.pool import PostgresConnection
from assent_contracts.acceptance import Accepted

CHUNK_BYTES: Final = 1024 * 1024
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_NULL: Final = struct.pack(">i", -1)
_FIXED: Final = struct.Struct(">iqiqiqi").pack
"""seq, ledger_offset and at, each with its length, and the length of value_sha256."""
_LENGTH: Final = struct.Struct(">i").pack
_HASH_BYTES: Final = 64


async def write_audit(
    connection: PostgresConnection, place: TopicPartition, accepted: Sequence[Accepted]
) -> None:
    """R16: add the rows of accepted records in one COPY."""
    await connection.copy_to_table("audit", source=_Chunks(place, accepted), columns=COLUMNS, format="binary")


class _Chunks:
    """The COPY's bytes in pieces of about CHUNK_BYTES, so that Postgres can start before all are ready."""

    def __init__(self, place: TopicPartition, accepted: Sequence[Accepted]) -> None:
        self._parts = _chunks(place, accepted)

    def __aiter__(self) -> "_Chunks":
        return self

    async def __anext__(self) -> bytes:
        part = next(self._parts, None)
        if part is None:
            raise StopAsyncIteration
        return part


def _chunks(place: TopicPartition, accepted: Sequence[Accepted]) -> Iterator[bytes]:
    start = _start_of_row(place)
    parts, size = [_HEADER], 0
    for each in accepted:
        _add_row(parts, start, each)
        size += len(each.value)
        if size >= CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    parts.append(_TRAILER)
    yield b"".join(parts)


def _start_of_row(place: TopicPartition) -> bytes:
    ledger = place.topic.encode()
    return struct.pack(">hi", len(COLUMNS), len(ledger)) + ledger + struct.pack(">ii", 4, place.partition)


def _add_row(parts: list[bytes], start: bytes, accepted: Accepted) -> None:
    row = row_of(accepted)
    parts += (
        start,
        _FIXED(8, row.seq, 8, row.ledger_offset, 8, row.at, _HASH_BYTES),
        row.value_sha256.encode(),
    )
    for text in (row.outcome, row.request, row.resource, row.principal, row.command):
        if text is None:
            parts.append(_NULL)
        else:
            content = text.encode()
            parts += (_LENGTH(len(content)), content)
    parts += (_LENGTH(len(row.record)), row.record)
