"""Rows of the tables that a command waits for."""

from assent.cli.connection.log_client import RequestNotFoundError, unknown_request
from assent.store.pool import Executor
from assent.store.positions import Reader
from assent.store.queries import LIST_MAX, AuditRow, RequestView, projected_heads, show_request, timeline
from assent_contracts.client.publisher import Decided
from assent_contracts.topics import LEDGER


async def row_of(db: Executor, request: str, partition: int, seq: int) -> RequestView | None:
    """The request's row; None where it may still appear. Raises RequestNotFoundError where it cannot."""
    # Read before the row is looked for: every request up to this head has a row.
    head = (await projected_heads(db)).get(partition)
    row = await show_request(db, request)
    if row is None and head is not None and head.seq >= seq:
        raise RequestNotFoundError(unknown_request(request))
    return row


async def records_of(db: Executor, row: RequestView) -> list[AuditRow] | None:
    """The request's records; None while the audit table is behind the status table and so lacks some."""
    records = await timeline(db, row.id)
    last = max((each.seq for each in records if each.ledger == LEDGER), default=-1)
    return records if last >= row.last_seq or len(records) == LIST_MAX else None


async def is_at(db: Executor, reader: Reader, decided: Decided) -> bool | None:
    """True once a reader's rows are as far as a decision; None before."""
    head = (await projected_heads(db, reader)).get(decided.partition)
    return True if head is not None and head.seq >= decided.seq else None
