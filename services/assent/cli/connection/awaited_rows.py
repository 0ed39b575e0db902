"""Rows of the tables that a command waits for."""

from assent.cli.connection.log_client import RequestNotFoundError, unknown_request
from assent.store.pool import Executor
from assent.store.positions import Reader
from assent.store.queries import (
    LIST_MAX,
    AuditRow,
    RequestView,
    projected_heads,
    request_of_record,
    show_request,
    timeline,
)
from assent_contracts.client.publisher import Decided
from assent_contracts.topics import LEDGER


async def row_of(db: Executor, request: str, partition: int, seq: int) -> RequestView | None:
    """The request's row; None where it may still appear. Raises RequestNotFoundError where it cannot."""
    # Read before the row is looked for: every request up to this head has a row.
    head = (await projected_heads(db)).get(partition)
    row = await show_request(db, request)
    if row is None and head is not None and head.seq >= seq:
        about = await request_of_record(db, partition, seq)
        raise RequestNotFoundError(unknown_request(request) if about is None else _not_itself(request, about))
    return row


def _not_itself(position: str, about: str) -> str:
    """The message about a position, as log lines have it, that is not the one of a submission."""
    return f"The record {position} is about request {about}: `assent show {about}`."


async def records_of(db: Executor, row: RequestView) -> list[AuditRow] | None:
    """The request's records; None while the audit table is behind the status table and so lacks some."""
    records = await timeline(db, row.id)
    last = max((each.seq for each in records if each.ledger == LEDGER), default=-1)
    return records if last >= row.last_seq or len(records) == LIST_MAX else None


async def is_at(db: Executor, reader: Reader, decided: Decided) -> bool | None:
    """True once a reader's rows are as far as a decision; None before."""
    head = (await projected_heads(db, reader)).get(decided.partition)
    return True if head is not None and head.seq >= decided.seq else None
