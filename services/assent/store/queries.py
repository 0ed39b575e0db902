"""What people and programs ask of the tables. Reading only; times in ms since 1970."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from assent.store.filters import AuditCursor, AuditFilter, Cursor, LedgerName, RequestFilter
from assent.store.pool import Executor
from assent.store.positions import Reader
from assent.store.sql import load_sql
from assent.store.timeline_order import in_causal_order
from assent_contracts.acceptance import Head
from assent_contracts.commands import SubmitChange
from assent_contracts.core.requests.states import Progress
from assent_contracts.events import Lapse, Status
from assent_contracts.policies import PolicyTerms
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

LIST_MAX: Final = 1_000
"""Rows that one call returns at most."""

ROWS_AT_ONCE: Final = 16
"""Of records that may be large."""
_SMALL_BYTES: Final = 16 * 1024
_SUBMISSION: Final = str(SubmitChange.__struct_config__.tag)

Places = Mapping[tuple[LedgerName, int], int]
"""(ledger, partition) -> seq"""

_SQL = load_sql(Path(__file__).with_name("queries.sql"))
for _list, _end in (
    ("list_requests", "newest_change_first"),
    ("list_oldest_requests", "oldest_submission_first"),
):
    _SQL[_list] = f"{_SQL['filtered_requests']}\n{_SQL[_end]}"


class ApprovalView(msgspec.Struct, frozen=True):
    """R8: an approval that stands, with its note; `through`: the gateway that signed for the approver."""

    approver: str
    person: str
    note: str
    at: int
    through: str | None = None
    lapsed: Lapse | None = None
    """R21: why it does not count now. The row does not know it: see `assent.reading.lapsed_approvals`."""


class RejectionView(msgspec.Struct, frozen=True):
    """R8: a rejection, with its note. Where a policy asks for several, one alone does not end a request."""

    approver: str
    person: str
    note: str
    at: int


class RequestView(msgspec.Struct, frozen=True):
    """A request as it stands. The payload is in its submission's record: see `timeline`."""

    id: str
    resource: str
    resource_type: str
    operation: str
    requester: str
    person: str
    justification: str
    submission: str
    """R23: SHA-256 of the submission command's bytes, hex: a decision names it."""
    digest: str
    terms: tuple[PolicyTerms, ...]
    status: Status
    progress: Progress | None
    approvals: tuple[ApprovalView, ...]
    rejections: tuple[RejectionView, ...]
    rejecter: str | None
    rejection_note: str | None
    applier: str | None
    reporter: str | None
    outcome_message: str | None
    submitted_at: int
    changed_at: int
    deadline: int | None
    last_seq: int
    partition: int
    seq: int
    on_behalf_of: str | None = None
    """R20: the account of the person whom the service that submitted it named."""
    closed_by: str | None = None
    """R22: the administrator who closed it, with `closing_reason`; its status is canceled then."""
    closing_reason: str | None = None

    @property
    def cursor(self) -> Cursor:
        """Where a list, the newest change first, goes on after this request."""
        return Cursor(self.changed_at, self.partition, self.seq)

    @property
    def oldest_cursor(self) -> Cursor:
        """Where a list, the oldest submission first, goes on after this request."""
        return Cursor(self.submitted_at, self.partition, self.seq)


class AuditRow(msgspec.Struct, frozen=True):
    """One record of the audit log. `record` is the exact bytes of the ledger record's value."""

    ledger: LedgerName
    partition: int
    seq: int
    ledger_offset: int
    at: int
    request: str | None
    resource: str | None
    principal: str | None
    command: str | None
    outcome: str
    value_sha256: str
    record: bytes

    @property
    def cursor(self) -> AuditCursor:
        """Where a search goes on after this record."""
        return AuditCursor(self.at, self.ledger, self.partition, self.seq)


class StatusCount(msgspec.Struct, frozen=True):
    """How many requests there are of a status."""

    status: Status
    progress: Progress | None
    requests: int


async def list_requests(
    db: Executor,
    wanted: RequestFilter,
    *,
    ended_since_ms: int,
    after: Cursor | None = None,
    limit: int = 100,
    oldest_first: bool = False,
) -> list[RequestView]:
    """Requests, the newest change first or the oldest submission first; at most LIST_MAX.

    R14: those that have ended are listed when they did at or after `ended_since_ms`, which is now minus the
    setting `visibility_ms`. `after`: the cursor of the last row of the page before.
    """
    rows = await db.fetch(
        _SQL["list_oldest_requests" if oldest_first else "list_requests"],
        wanted.person,
        wanted.requester,
        _listed(wanted.groups),
        _listed(wanted.statuses),
        wanted.resource,
        ended_since_ms,
        *((None, None, None) if after is None else (after.at, after.partition, after.seq)),
        _limited(limit),
        _listed(wanted.types),
        wanted.text,
        _listed(wanted.accounts),
    )
    return [_request(row) for row in rows]


async def open_of_type(db: Executor, resource_type: str, *, limit: int) -> tuple[list[RequestView], int]:
    """The open requests of one type, the oldest first, at most `limit`; and how many there are."""
    rows = await db.fetch(_SQL["open_of_type"], resource_type, _limited(limit))
    count = await db.fetchval(_SQL["count_open_of_type"], resource_type)
    return [_request(row) for row in rows], count or 0


async def groups_of_open_policy_requests(db: Executor) -> list[str]:
    """The groups, those of administrators among them, that open requests about policies wait for."""
    return [row["name"] for row in await db.fetch(_SQL["groups_of_open_policy_requests"])]


async def show_request(db: Executor, request: str) -> RequestView | None:
    """One request; None when there is none with this id (yet). It is shown however long ago it ended."""
    position = parse_request_id(request)
    if position is None:
        return None
    row = await db.fetchrow(_SQL["show_request"], *position)
    return None if row is None else _request(row)


async def requests_at(db: Executor, places: Sequence[tuple[int, int]]) -> list[RequestView]:
    """Those of the requests, each named by (partition, seq), that there are, in no order."""
    rows = await db.fetch(
        _SQL["requests_at"], [partition for partition, _ in places], [seq for _, seq in places]
    )
    return [_request(row) for row in rows]


async def timeline(db: Executor, request: str, *, limit: int = LIST_MAX) -> list[AuditRow]:
    """R16: every record that is about one request, in the order in which they came about.

    A request that changes governance has a record there too: what carried its release out, or why not.
    Large records lack the space that was between their words: a thousand cancellations may have a quarter of
    a MiB of that each. The submission is as it came: the digest is over its bytes.
    """
    rows: list[AuditRow] = []
    async with AsyncExitStack() as held:
        connection = await held.enter_async_context(db.acquire()) if isinstance(db, asyncpg.Pool) else db
        await held.enter_async_context(connection.transaction())
        cursor = await connection.cursor(_SQL["timeline"], request, _limited(limit))
        while some := await cursor.fetch(ROWS_AT_ONCE):
            rows += [_without_space(audit_row(row)) for row in some]
    return in_causal_order(rows)


async def search_audit(
    db: Executor, wanted: AuditFilter, after: AuditCursor | None = None, limit: int = 100
) -> list[AuditRow]:
    """R16: records of both ledgers, refused actions too, the newest first; at most LIST_MAX.

    `after`: the cursor of the last row of the page before. Records of one ms are in the order of their
    ledger, partition and seq, newest first as well.
    """
    rows = await db.fetch(_SQL["search_audit"], *search_values(wanted, after), _limited(limit))
    return [audit_row(row) for row in rows]


def search_values(wanted: AuditFilter, after: AuditCursor | None) -> tuple[Any, ...]:
    """What the query `search_audit` is asked, but for its limit."""
    place = (None,) * 4 if after is None else (after.at, after.ledger, after.partition, after.seq)
    asked = (wanted.principal, wanted.request, wanted.resource, wanted.command, wanted.refused)
    parts = (_listed(wanted.principals), wanted.resource_part)
    return (*asked, wanted.since_ms, wanted.until_ms, wanted.ledger, *place, *parts)


class AppliedBefore(msgspec.Struct, frozen=True):
    """A request that was applied: its submission, and where the record that completed it is."""

    submission: AuditRow
    done_seq: int
    done_offset: int


async def last_applied(db: Executor, request: RequestView) -> AppliedBefore | None:
    """The request that was applied to the same object last before this one.

    None when there is none, or when the audit log does not have it yet. R10: an object has one open request
    at a time, so what was submitted earlier than this one has ended before it.
    """
    row = await db.fetchrow(_SQL["last_applied"], request.resource, request.partition, request.seq)
    if row is None:
        return None
    values = dict(row)
    done = values.pop("done_seq"), values.pop("done_offset")
    return AppliedBefore(_audit_row(values), *done)


async def audit_tail(db: Executor, after: Places | None, limit: int = 100) -> list[AuditRow]:
    """The audit log as it grows, in the order of log time.

    Without `after` the last `limit` rows; with it, for each partition that it names, up to `limit` rows
    behind that seq (-1 is the partition's start). `last_places` makes the next `after`.
    """
    if after is None:
        return [audit_row(row) for row in reversed(await db.fetch(_SQL["audit_last"], _limited(limit)))]
    rows = await db.fetch(
        _SQL["audit_after"],
        [ledger for ledger, _ in after],
        [partition for _, partition in after],
        list(after.values()),
        _limited(limit),
    )
    return [audit_row(row) for row in rows]


def last_places(rows: Sequence[AuditRow], before: Places) -> Places:
    """Where each partition stands once `rows` have been seen after `before`."""
    places = dict(before)
    for row in rows:
        place = (row.ledger, row.partition)
        places[place] = max(row.seq, places.get(place, -1))
    return places


async def heads(db: Executor, reader: Reader = "status", ledger: LedgerName = LEDGER) -> dict[int, Head]:
    """A recent accepted head of each partition: how far a reader's rows have come, and where to read on."""
    rows = await db.fetch(_SQL["heads"], reader, ledger)
    return {
        row["partition"]: Head(row["seq"], row["value_sha256"], row["governance"], row["next_offset"])
        for row in rows
    }


async def counts(db: Executor) -> list[StatusCount]:
    """How many requests there are of each status. Reads the whole table."""
    return [StatusCount(*row) for row in await db.fetch(_SQL["counts"])]


async def count_audit(db: Executor) -> int:
    """How many records the audit log has. Reads the whole index."""
    return await db.fetchval(_SQL["count_audit"]) or 0


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _limited(limit: int) -> int:
    return max(0, min(limit, LIST_MAX))


_decode_terms = msgspec.json.Decoder(tuple[PolicyTerms, ...]).decode
_decode_approvals = msgspec.json.Decoder(tuple[ApprovalView, ...]).decode
_decode_rejections = msgspec.json.Decoder(tuple[RejectionView, ...]).decode


def _request(row: asyncpg.Record) -> RequestView:
    values = dict(row)
    values["terms"] = _decode_terms(values["terms"])
    values["approvals"] = _decode_approvals(values["approvals"])
    values["rejections"] = _decode_rejections(values["rejections"])
    return RequestView(**values)


def audit_row(row: asyncpg.Record) -> AuditRow:
    """A row of the audit table."""
    return _audit_row(dict(row))


def _audit_row(values: dict[str, Any]) -> AuditRow:
    values["record"] = bytes(values["record"])
    return AuditRow(**values)


def _without_space(row: AuditRow) -> AuditRow:
    if len(row.record) < _SMALL_BYTES or row.command == _SUBMISSION:
        return row
    return msgspec.structs.replace(row, record=msgspec.json.format(row.record, indent=-1))
