"""Write the findings of accepted records, one row for each (R28)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import UNSET, UnsetType

from assent.status.row_fold import seq_of
from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent_contracts.codec import decode_command
from assent_contracts.commands import CloseFinding, ReportFinding
from assent_contracts.events import Event, FindingClosed, FindingReported
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command

_SQL: Final = load_sql(Path(__file__).with_name("finding_rows.sql"))


async def write_findings(
    connection: PostgresConnection, partition: int, decided: Sequence[tuple[LedgerRecord, tuple[Event, ...]]]
) -> None:
    """Add the findings that these records report, and note those that they close, in their order."""
    for record, events in decided:
        for event in events:
            if isinstance(event, FindingReported):
                await _report(connection, partition, record, event)
            elif isinstance(event, FindingClosed):
                await _close(connection, partition, record, event)


async def _report(
    connection: PostgresConnection, partition: int, record: LedgerRecord, event: FindingReported
) -> None:
    command = _command_of(record)
    # Only a stolen writer's key can seal a report without its command. The row then has no texts.
    said = command if isinstance(command, ReportFinding) else None
    await connection.execute(
        _SQL["report"],
        partition,
        record.seq,
        event.resource,
        event.target,
        event.kind,
        _text(event.version),
        _text(event.request),
        None if said is None else _text(said.by),
        "" if said is None else said.detail,
        event.reporter,
        None if said is None else said.seen_at,
        record.at,
    )


async def _close(
    connection: PostgresConnection, partition: int, record: LedgerRecord, event: FindingClosed
) -> None:
    command = _command_of(record)
    reason = command.reason if isinstance(command, CloseFinding) else ""
    await connection.execute(
        _SQL["close"], partition, seq_of(event.finding), event.closed_by, reason, record.at
    )


def _command_of(record: LedgerRecord) -> object:
    recorded = None if record.command is UNSET else decode_recorded_command(record)
    return decode_command(bytes(recorded.value)) if isinstance(recorded, RecordedCommand) else None


def _text(value: str | UnsetType) -> str | None:
    return None if value is UNSET else value
