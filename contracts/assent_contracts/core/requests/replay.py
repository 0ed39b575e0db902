"""Take in accepted records without deciding again: how a reader, or a writer at its start, gets its state."""

from assent_contracts.core.remembering import remember_record
from assent_contracts.core.requests.book import Book
from assent_contracts.ledger import LedgerRecord, decode_events


def replay(book: Book, record: LedgerRecord) -> None:
    """Move the book past one accepted record."""
    remember_record(book.memory, record)
    named = record.governance if isinstance(record.governance, int) else -1
    book.record(record.seq, record.at, decode_events(record), governance=named)
