"""Fold a batch of accepted records into one row for each request, and write each row once."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
from aiokafka import TopicPartition
from msgspec import UNSET

from assent.status.finding_rows import write_findings
from assent.status.row_fold import (
    ApprovalRow,
    MissingRowError,
    ProposalRow,
    RejectionRow,
    RequestRow,
    seq_of,
    take_record,
)
from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent_contracts.acceptance import Accepted
from assent_contracts.events import ChangeSubmitted, Event, OfNoRequest
from assent_contracts.ledger import LedgerRecord, decode_events

_SQL = load_sql(Path(__file__).with_name("status_rows.sql"))
_FIELDS: Final = RequestRow.__struct_fields__
_JSON: Final = frozenset({"details", "terms", "approvals", "rejections", "proposals"})


_decode_approvals = msgspec.json.Decoder(tuple[ApprovalRow, ...]).decode
_decode_rejections = msgspec.json.Decoder(tuple[RejectionRow, ...]).decode
_decode_proposals = msgspec.json.Decoder(tuple[ProposalRow, ...]).decode
_encode = msgspec.json.Encoder().encode


async def write_status(
    connection: PostgresConnection, place: TopicPartition, accepted: Sequence[Accepted]
) -> None:
    """Update the rows of the requests that these records concern.

    Raises MissingRowError when a request that an earlier record opened has no row.
    """
    decided = [
        (each.record, decode_events(each.record)) for each in accepted if each.record.events is not UNSET
    ]
    rows = await _earlier_rows(connection, place.partition, decided)
    for record, events in decided:
        take_record(rows, record, events)
    if rows:
        columns = [_column(name, rows.values()) for name in _FIELDS]
        await connection.execute(_SQL["upsert"], place.partition, *columns)
    await write_findings(connection, place.partition, decided)


async def _earlier_rows(
    connection: PostgresConnection,
    partition: int,
    decided: Sequence[tuple[LedgerRecord, tuple[Event, ...]]],
) -> dict[int, RequestRow]:
    opened: set[int] = set()
    needed: set[int] = set()
    for record, events in decided:
        for event in events:
            if isinstance(event, ChangeSubmitted):
                opened.add(record.seq)
            elif not isinstance(event, OfNoRequest):
                needed.add(seq_of(event.request))
    needed -= opened
    if not needed:
        return {}
    found = await connection.fetch(_SQL["read"], partition, list(needed))
    rows = {row["seq"]: _row(row) for row in found}
    if len(rows) != len(needed):
        msg = f"requests {sorted(needed - rows.keys())[:10]} of partition {partition} have no row"
        raise MissingRowError(msg)
    return rows


def _row(found: asyncpg.Record) -> RequestRow:
    values = dict(found)
    values["approvals"] = _decode_approvals(values["approvals"])
    values["rejections"] = _decode_rejections(values["rejections"])
    values["proposals"] = _decode_proposals(values["proposals"])
    return RequestRow(**values)


def _column(name: str, rows: Iterable[RequestRow]) -> list[Any]:
    values = [getattr(row, name) for row in rows]
    if name in _JSON:
        return [_encode(value).decode() for value in values]
    return values
