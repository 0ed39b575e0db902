"""GET /api/v1/audit: every action on record, refused ones too, for auditors and administrators (R16)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from assent.gateway.api.cursors import CURSOR_MAX_CHARS, BigInt, Int, cursor_place, cursor_text
from assent.gateway.caller import Caller, is_auditor
from assent.gateway.components import Door
from assent.gateway.lag import LAG_HEADER
from assent.gateway.problems import of_refusal
from assent.reading.entries import Entry, audit_entry
from assent.store.filters import AuditCursor, AuditFilter, LedgerName
from assent.store.queries import LIST_MAX, AuditRow
from assent.store.queries_large import search_part
from assent_contracts.limits import NAME_MAX_CHARS
from assent_contracts.refusals import Refusal, RefusalCode

PAGE_MAX: Final = 200
EXPORT_MAX: Final = 100_000
"""Records of one export; its last line names the cursor of the next one."""
_MS_MAX: Final = (1 << 53) - 1

Principal = Annotated[str | None, QueryParameter(max_length=NAME_MAX_CHARS, description="Who sent it.")]
RequestAsked = Annotated[str | None, QueryParameter(name="request", max_length=40, description="Its id.")]
ResourceAsked = Annotated[str | None, QueryParameter(max_length=321, description="The object, whole.")]
CommandAsked = Annotated[
    str | None, QueryParameter(max_length=100, description="A type, such as assent.approve.v1.")
]
Refused = Annotated[bool | None, QueryParameter(description="Refusals only, or decisions only.")]
Since = Annotated[
    int | None, QueryParameter(ge=0, le=_MS_MAX, description="Log time in ms, at or after this.")
]
Until = Annotated[int | None, QueryParameter(ge=0, le=_MS_MAX, description="Log time in ms, before this.")]
LedgerAsked = Annotated[LedgerName | None, QueryParameter()]
CursorAsked = Annotated[
    str | None,
    QueryParameter(max_length=CURSOR_MAX_CHARS, description="The `next` of the page or export before."),
]


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records of the audit log, the newest first: `limit`, or fewer where they are large."""

    entries: list[Entry]
    next: str | None
    """The `cursor` of the page after this one; null on the last."""


class ExportedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an export. `record` is the text of the ledger record's value: `value_sha256` is over it."""

    ledger: LedgerName
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
    """The last line of an export: one that lacks it was cut off."""

    end: bool = True
    records: int
    next: str | None
    """The `cursor` to go on from, when there are more than one export holds."""


def refuse_others(caller: Caller, door: Door) -> None:
    """Let auditors and administrators of every type pass. Raises Problem: not-permitted."""
    if not is_auditor(caller, door):
        detail = "The audit log is for those with the role auditor or administrator."
        raise of_refusal(Refusal(code=RefusalCode.NOT_PERMITTED, detail=detail))


def write_cursor(cursor: AuditCursor) -> str:
    """Where a page ends, as text."""
    return cursor_text(msgspec.structs.astuple(cursor))


def read_cursor(text: str | None) -> AuditCursor | None:
    """Where a page begins. Raises Problem."""
    if text is None:
        return None
    return AuditCursor(*cursor_place(text, tuple[BigInt, LedgerName, Int, BigInt]))


async def audit_page(door: Door, wanted: AuditFilter, cursor: str | None, limit: int) -> AuditPage:
    """One page of a search. Raises Problem."""
    part = await search_part(door.db, wanted, after=read_cursor(cursor), limit=limit)
    return AuditPage(
        entries=[audit_entry(row) for row in part.rows],
        next=write_cursor(part.rows[-1].cursor) if part.more else None,
    )


async def exported(
    door: Door, wanted: AuditFilter, after: AuditCursor | None, limit: int
) -> AsyncIterator[bytes]:
    """The lines of an export, one record each. What is read meanwhile is in no page."""
    written, more = 0, True
    while more and written < limit:
        part = await search_part(door.db, wanted, after=after, limit=min(LIST_MAX, limit - written))
        for row in part.rows:
            yield msgspec.json.encode(_line(row)) + b"\n"
            after = row.cursor
        written, more = written + len(part.rows), part.more
    end = ExportEnd(records=written, next=write_cursor(after) if more and after else None)
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


@get("/audit", operation_id="searchAudit")
async def search(
    caller: Caller,
    door: Door,
    principal: Principal = None,
    request_id: RequestAsked = None,
    resource: ResourceAsked = None,
    command: CommandAsked = None,
    refused: Refused = None,
    since: Since = None,
    until: Until = None,
    ledger: LedgerAsked = None,
    cursor: CursorAsked = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 50,
) -> Response[AuditPage]:
    """Search the audit log."""
    wanted = _filter(principal, request_id, resource, command, refused, since, until, ledger)
    refuse_others(caller, door)
    page = await audit_page(door, wanted, cursor, limit)
    return Response(page, headers={LAG_HEADER: str(door.lag.records())})


@get("/audit/export", operation_id="exportAudit", media_type="application/x-ndjson")
async def export(
    caller: Caller,
    door: Door,
    principal: Principal = None,
    request_id: RequestAsked = None,
    resource: ResourceAsked = None,
    command: CommandAsked = None,
    refused: Refused = None,
    since: Since = None,
    until: Until = None,
    ledger: LedgerAsked = None,
    cursor: CursorAsked = None,
) -> Stream:
    """Export what a search finds, at most 100,000 records, as lines of JSON; the last line says how many."""
    wanted = _filter(principal, request_id, resource, command, refused, since, until, ledger)
    refuse_others(caller, door)
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return Stream(exported(door, wanted, read_cursor(cursor), EXPORT_MAX), headers=headers)


def _filter(
    principal: str | None,
    request: str | None,
    resource: str | None,
    command: str | None,
    refused: bool | None,  # noqa: FBT001
    since: int | None,
    until: int | None,
    ledger: Any,
) -> AuditFilter:
    return AuditFilter(
        principal=principal,
        request=request,
        resource=resource,
        command=command,
        refused=refused,
        since_ms=since,
        until_ms=until,
        ledger=ledger,
    )
