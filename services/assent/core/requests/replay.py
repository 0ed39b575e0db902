"""Take in accepted records without deciding again: how a reader, or a writer at its start, gets its state."""

import hashlib

import msgspec

from assent.core.requests.book import Book, Remembered
from assent.core.requests.judge import UNAUTHENTICATED
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
    decode_refusal,
)


class _IdOnly(msgspec.Struct):
    id: str


_decode_id = msgspec.json.Decoder(_IdOnly).decode


def replay(book: Book, record: LedgerRecord) -> None:
    """Move the book past one accepted record."""
    refusal = decode_refusal(record)
    if refusal is None or refusal.code not in UNAUTHENTICATED:
        recorded = decode_recorded_command(record)
        if isinstance(recorded, RecordedCommand):
            command_id = _decode_id(recorded.value).id
            if book.recall(command_id) is None:
                value_sha256 = hashlib.sha256(recorded.value).digest()
                book.remember(command_id, Remembered(record.seq, record.at, value_sha256))
    book.record(record.seq, record.at, decode_events(record))
