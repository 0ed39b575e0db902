"""Audit log records read with a limit on size: one has a payload of up to 256 KiB, and a page has many."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from assent.store.filters import AuditCursor, AuditFilter
from assent.store.named_sql import load_sql
from assent.store.queries import ROWS_AT_ONCE, AuditRow, audit_row, search_values

PART_MAX_BYTES: Final = 2 * 1024 * 1024
_LOOKED_INTO_MAX: Final = 10_000
_COPIES_MAX: Final = 8
_SQL = load_sql(Path(__file__).with_name("queries.sql"))


class AuditPart(msgspec.Struct, frozen=True):
    """Part of what a search finds; `more`: whether there is more after it."""

    rows: list[AuditRow]
    more: bool


async def search_part(
    pool: asyncpg.Pool, wanted: AuditFilter, *, after: AuditCursor | None, limit: int
) -> AuditPart:
    """R16: as `search_audit`, but it ends early once it has PART_MAX_BYTES of records and up to 16 more.

    No transaction is open when it returns, so a client that reads slowly holds none.
    """
    rows: list[AuditRow] = []
    size = 0
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        cursor = await connection.cursor(_SQL["search_audit"], *search_values(wanted, after), limit + 1)
        while len(rows) <= limit and size < PART_MAX_BYTES:
            some = [audit_row(row) for row in await cursor.fetch(ROWS_AT_ONCE)]
            if not some:
                return AuditPart(rows, more=False)
            rows += some
            size += sum(len(each.record) for each in some)
        more = len(rows) > limit or await cursor.forward(1) > 0
    return AuditPart(rows[:limit], more)


async def records_with_id(
    pool: asyncpg.Pool,
    principal: str,
    command_id: str,
    *,
    resource: str | None,
    since_ms: int,
    until_ms: int,
    outcomes_beside: Collection[str],
) -> list[AuditRow]:
    """Records of a principal's commands that contain this id as a JSON string, oldest first.

    At most a few, from 10,000 in that time whose outcome is not in `outcomes_beside`. The caller must check
    that the text is the command's id.
    """
    rows = await pool.fetch(
        _SQL["of_command"],
        principal,
        resource,
        since_ms,
        until_ms,
        list(outcomes_beside),
        _LOOKED_INTO_MAX,
        msgspec.json.encode(command_id).decode(),
        _COPIES_MAX,
    )
    return [audit_row(row) for row in rows]
