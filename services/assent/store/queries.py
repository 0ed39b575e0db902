"""Queries on the tables, for people and programs. Reading only; times in ms since 1970."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from assent.store.filters import AuditCursor, AuditFilter, Cursor, LedgerTopic, RequestFilter
from assent.store.named_sql import load_sql
from assent.store.pool import Executor
from assent.store.positions import Reader
from assent.store.timeline_order import in_causal_order
from assent_contracts.acceptance import Head
from assent_contracts.access_policies import PolicyTerms
from assent_contracts.change_details import NO_DETAILS, ChangeDetails
from assent_contracts.commands import Settlement, SubmitChange
from assent_contracts.core.requests.states import ReleaseProgress
from assent_contracts.events import Lapse, Status
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

LIST_MAX: Final = 1_000
"""The most rows that one call returns."""

ROWS_AT_ONCE: Final = 16
"""For records that may be large."""
_SMALL_BYTES: Final = 16 * 1024
_SUBMISSION: Final = str(SubmitChange.__struct_config__.tag)

Places = Mapping[tuple[LedgerTopic, int], int]
"""(ledger, partition) -> seq"""

_SQL = load_sql(Path(__file__).with_name("queries.sql"))
for _list, _end in (
    ("list_requests", "newest_change_first"),
    ("list_oldest_requests", "oldest_submission_first"),
):
    _SQL[_list] = f"{_SQL['filtered_requests']}\n{_SQL[_end]}"


class ApprovalView(msgspec.Struct, frozen=True):
    """R8: an approval that counts, with its note; `through`: the gateway that signed for the approver."""

    approver: str
    person: str
    note: str
    at: int
    through: str | None = None
    lapsed: Lapse | None = None
    """R21: why it does not count now. Not in the row: see `assent.reading.lapsed_approvals`."""


class RejectionView(msgspec.Struct, frozen=True):
    """R8: a rejection, with its note. One alone does not end a request if a policy asks for several."""

    approver: str
    person: str
    note: str
    at: int


class ProposalView(msgspec.Struct, frozen=True):
    """How one administrator settles an unknown outcome, where two must agree, and why."""

    administrator: str
    person: str
    outcome: Settlement
    reason: str
    at: int


class RequestView(msgspec.Struct, frozen=True):
    """A request in its present state. The payload is in its submission's record: see `timeline`."""

    id: str
    resource: str
    resource_type: str
    operation: str
    requester: str
    person: str
    justification: str
    submission: str
    """R23: the SHA-256 of the submission command's bytes, hex; a decision names it."""
    digest: str
    terms: tuple[PolicyTerms, ...]
    status: Status
    progress: ReleaseProgress | None
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
    """R20: the account of the person whom the submitting service named."""
    closed_by: str | None = None
    """R22: the administrator who closed it, with `closing_reason`; its status is then canceled."""
    closing_reason: str | None = None
    claim: int | None = None
    """The number of the latest claim, which is the ledger seq of its record; `applier` made it."""
    claimed_at: int | None = None
    lease_end: int | None = None
    """When the lease of the latest claim ends or ended."""
    proposals: tuple[ProposalView, ...] = ()
    """How people settle the unknown outcome, if two must agree and one has settled it so far."""
    details: ChangeDetails = NO_DETAILS
    """R24: the submission's optional fields."""
    newest_version: str | None = None
    """R26: the newest version of the object that was known at the submission, if it was made from another."""
    made_version: str | None = None
    """R26: the version that the change made, as its applier reported it."""

    @property
    def cursor(self) -> Cursor:
        """Where a list with the newest change first continues after this request."""
        return Cursor(self.changed_at, self.partition, self.seq)

    @property
    def oldest_cursor(self) -> Cursor:
        """Where a list with the oldest submission first continues after this request."""
        return Cursor(self.submitted_at, self.partition, self.seq)


class AuditRow(msgspec.Struct, frozen=True):
    """One record of the audit log. `record` is the exact bytes of the ledger record's value."""

    ledger: LedgerTopic
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
        """Where a search continues after this record."""
        return AuditCursor(self.at, self.ledger, self.partition, self.seq)


class StatusCount(msgspec.Struct, frozen=True):
    """How many requests have a status."""

    status: Status
    progress: ReleaseProgress | None
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
    """Requests, with the newest change or the oldest submission first; at most LIST_MAX.

    R14: ended requests are listed if they ended at or after `ended_since_ms`, which is now minus the setting
    `visibility_ms`. `after`: the cursor of the last row on the previous page.
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
        _stated(wanted),
        wanted.part_of,
    )
    return [_request(row) for row in rows]


async def open_of_type(db: Executor, resource_type: str, *, limit: int) -> tuple[list[RequestView], int]:
    """The open requests of one type, oldest first, at most `limit`; and how many there are in all."""
    rows = await db.fetch(_SQL["open_of_type"], resource_type, _limited(limit))
    count = await db.fetchval(_SQL["count_open_of_type"], resource_type)
    return [_request(row) for row in rows], count or 0


async def groups_of_open_policy_requests(db: Executor) -> list[str]:
    """The groups, including those of administrators, that open requests about policies wait for."""
    return [row["name"] for row in await db.fetch(_SQL["groups_of_open_policy_requests"])]


async def show_request(db: Executor, request: str) -> RequestView | None:
    """One request, however long ago it ended; None when there is none with this id (yet)."""
    position = parse_request_id(request)
    if position is None:
        return None
    row = await db.fetchrow(_SQL["show_request"], *position)
    return None if row is None else _request(row)


async def requests_at(db: Executor, places: Sequence[tuple[int, int]]) -> list[RequestView]:
    """Those of the requests that exist, each named by (partition, seq), in no particular order."""
    rows = await db.fetch(
        _SQL["requests_at"], [partition for partition, _ in places], [seq for _, seq in places]
    )
    return [_request(row) for row in rows]


async def request_of_record(db: Executor, partition: int, seq: int) -> str | None:
    """The request that a record of the request ledger is about; None if it is about none or not there yet."""
    return await db.fetchval(_SQL["request_of_record"], partition, seq)


async def timeline(db: Executor, request: str, *, limit: int = LIST_MAX) -> list[AuditRow]:
    """R16: every record about one request, in causal order.

    A request that changes governance has a record there too: the one that carried out its release, or that
    states why not. White space between JSON tokens is removed from large records, because a thousand
    cancellations may have a quarter of a MiB of it each. The submission is unchanged, because the digest
    covers its bytes.
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
    """R16: records of both ledgers, including refused actions, newest first; at most LIST_MAX.

    `after`: the cursor of the last row on the previous page. Records of the same ms are in the order of their
    ledger, partition and seq, also newest first.
    """
    rows = await db.fetch(_SQL["search_audit"], *search_values(wanted, after), _limited(limit))
    return [audit_row(row) for row in rows]


def search_values(wanted: AuditFilter, after: AuditCursor | None) -> tuple[Any, ...]:
    """The arguments of the query `search_audit`, except its limit."""
    place = (None,) * 4 if after is None else (after.at, after.ledger, after.partition, after.seq)
    asked = (wanted.principal, wanted.request, wanted.resource, wanted.command, wanted.refused)
    parts = (_listed(wanted.principals), wanted.resource_part)
    return (*asked, wanted.since_ms, wanted.until_ms, wanted.ledger, *place, *parts)


class AppliedBefore(msgspec.Struct, frozen=True):
    """A request that was applied: its submission, and the place of the record that completed it."""

    submission: AuditRow
    done_seq: int
    done_offset: int


async def last_applied(db: Executor, request: RequestView) -> AppliedBefore | None:
    """The last request that was applied to the same object before this one.

    None when there is none, or when the audit log does not have it yet. R10: an object has one open request
    at a time, so an earlier one ended before this one was submitted.
    """
    row = await db.fetchrow(_SQL["last_applied"], request.resource, request.partition, request.seq)
    if row is None:
        return None
    values = dict(row)
    done = values.pop("done_seq"), values.pop("done_offset")
    return AppliedBefore(_audit_row(values), *done)


async def audit_tail(db: Executor, after: Places | None, limit: int = 100) -> list[AuditRow]:
    """The audit log as it grows, in the order of log time.

    Without `after`: the last `limit` rows. With it: for each partition in it, up to `limit` rows after that
    seq (-1 is the partition's start). `last_places` makes the next `after`.
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
    """The place of each partition once `rows` have been seen after `before`."""
    places = dict(before)
    for row in rows:
        place = (row.ledger, row.partition)
        places[place] = max(row.seq, places.get(place, -1))
    return places


async def projected_heads(
    db: Executor, reader: Reader = "status", ledger: LedgerTopic = LEDGER
) -> dict[int, Head]:
    """A recent accepted head of each partition: how far a reader's rows are, and where to read on from."""
    rows = await db.fetch(_SQL["heads"], reader, ledger)
    return {
        row["partition"]: Head(row["seq"], row["value_sha256"], row["governance"], row["next_offset"])
        for row in rows
    }


async def status_counts(db: Executor) -> list[StatusCount]:
    """How many requests there are of each status. Reads the whole table."""
    return [StatusCount(*row) for row in await db.fetch(_SQL["counts"])]


async def count_audit(db: Executor) -> int:
    """How many records the audit log has. Reads the whole index."""
    return await db.fetchval(_SQL["count_audit"]) or 0


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _stated(wanted: RequestFilter) -> dict[str, Any] | None:
    """The part of `details` that a request must have; None if the filter names none."""
    part: dict[str, Any] = {} if wanted.emergency is None else {"emergency": wanted.emergency}
    if wanted.ticket is not None:
        part["tickets"] = [wanted.ticket]
    return part or None


def _limited(limit: int) -> int:
    return max(0, min(limit, LIST_MAX))


_decode_details = msgspec.json.Decoder(ChangeDetails).decode
_decode_terms = msgspec.json.Decoder(tuple[PolicyTerms, ...]).decode
_decode_approvals = msgspec.json.Decoder(tuple[ApprovalView, ...]).decode
_decode_rejections = msgspec.json.Decoder(tuple[RejectionView, ...]).decode
_decode_proposals = msgspec.json.Decoder(tuple[ProposalView, ...]).decode


def _request(row: asyncpg.Record) -> RequestView:
    values = dict(row)
    values["details"] = _decode_details(values["details"])
    values["terms"] = _decode_terms(values["terms"])
    values["approvals"] = _decode_approvals(values["approvals"])
    values["rejections"] = _decode_rejections(values["rejections"])
    values["proposals"] = _decode_proposals(values["proposals"])
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
