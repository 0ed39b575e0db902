"""Search and export the audit log: every recorded action, including refused ones (R16)."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from assent.gateway.application.page_cursors import BigInt, Int, cursor_place, cursor_text
from assent.gateway.caller import Caller, is_auditor
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import of_refusal
from assent.reading.audit_entries import AuditEntry, audit_entry
from assent.store.filters import AuditCursor, AuditFilter, LedgerTopic
from assent.store.queries import LIST_MAX, AuditRow
from assent.store.queries_large import search_part
from assent_contracts.refusals import Refusal, RefusalCode

EXPORT_MAX: Final = 100_000
"""Records of one export. Its last line contains the cursor for the next one."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records of the audit log, newest first: `limit` of them, or fewer if they are large."""

    entries: list[AuditEntry]
    next: str | None
    """The `cursor` of the next page; null on the last."""


class ExportedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an export. `record` is the text of the ledger record's value, and `value_sha256` its hash."""

    ledger: LedgerTopic
    partition: int
    seq: int
    offset: int
    at: int
    request: str | None
    resource: str | None
    principal: str | None
    command: str | None
    outcome: str
    value_sha256: str
    record: str


class ExportEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of an export. An export without it is incomplete."""

    end: bool = True
    records: int
    next: str | None
    """The `cursor` to continue from, if there are more records than one export can contain."""


def refuse_others(caller: Caller, gateway: Gateway) -> None:
    """Allow only auditors and administrators of every type. Raises Problem: not-permitted."""
    if not is_auditor(caller, gateway):
        detail = "Only accounts with the role auditor or administrator can read the audit log."
        raise of_refusal(Refusal(code=RefusalCode.NOT_PERMITTED, detail=detail))


def write_audit_cursor(cursor: AuditCursor) -> str:
    """The end of a page, as text."""
    return cursor_text(msgspec.structs.astuple(cursor))


def read_audit_cursor(text: str | None) -> AuditCursor | None:
    """The beginning of a page. Raises Problem."""
    if text is None:
        return None
    return AuditCursor(*cursor_place(text, tuple[BigInt, LedgerTopic, Int, BigInt]))


async def audit_page(gateway: Gateway, wanted: AuditFilter, cursor: str | None, limit: int) -> AuditPage:
    """One page of a search. Raises Problem."""
    part = await search_part(gateway.db, wanted, after=read_audit_cursor(cursor), limit=limit)
    return AuditPage(
        entries=[audit_entry(row) for row in part.rows],
        next=write_audit_cursor(part.rows[-1].cursor) if part.more else None,
    )


async def exported(
    gateway: Gateway, wanted: AuditFilter, after: AuditCursor | None, limit: int
) -> AsyncIterator[bytes]:
    """The lines of an export, one record each. Records added in the meantime are not included."""
    written, more = 0, True
    while more and written < limit:
        part = await search_part(gateway.db, wanted, after=after, limit=min(LIST_MAX, limit - written))
        for row in part.rows:
            yield msgspec.json.encode(_line(row)) + b"\n"
            after = row.cursor
        written, more = written + len(part.rows), part.more
    end = ExportEnd(records=written, next=write_audit_cursor(after) if more and after else None)
    yield msgspec.json.encode(end) + b"\n"


def _line(row: AuditRow) -> ExportedRecord:
    return ExportedRecord(
        ledger=row.ledger,
        partition=row.partition,
        seq=row.seq,
        offset=row.ledger_offset,
        at=row.at,
        request=row.request,
        resource=row.resource,
        principal=row.principal,
        command=row.command,
        outcome=row.outcome,
        value_sha256=row.value_sha256,
        record=row.record.decode(),
    )
