"""Take in accepted records without deciding again: how a reader, or a writer at its start, gets its state."""

import hashlib

import msgspec

from assent.core.requests.book import Book
from assent.core.sender import UNAUTHENTICATED
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
    decode_refusal,
)


class _Sent(msgspec.Struct, gc=False):
    id: str
    principal: str
    at: int


_decode_sent = msgspec.json.Decoder(_Sent).decode


def replay(book: Book, record: LedgerRecord) -> None:
    """Move the book past one accepted record."""
    refusal = decode_refusal(record)
    if refusal is None or refusal.code not in UNAUTHENTICATED:
        recorded = decode_recorded_command(record)
        if isinstance(recorded, RecordedCommand):
            sent = _decode_sent(recorded.value)
            if book.memory.recall(sent.principal, sent.id) is None:
                book.memory.remember(
                    sent.principal,
                    sent.id,
                    dated=sent.at,
                    seq=record.seq,
                    at=record.at,
                    value_sha256=hashlib.sha256(recorded.value).digest(),
                )
    book.record(record.seq, record.at, decode_events(record))
