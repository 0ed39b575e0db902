"""Queries on the findings, for people and programs (R28). Reading only; times in ms since 1970."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from assent.store.filters import Cursor
from assent.store.named_sql import load_sql
from assent.store.pool import Executor
from assent.store.queries import LIST_MAX
from assent_contracts.commands import FindingKind
from assent_contracts.resources import parse_request_id

_SQL: Final = load_sql(Path(__file__).with_name("findings.sql"))


class FindingView(msgspec.Struct, frozen=True):
    """A difference at a target, in its present state."""

    id: str
    partition: int
    seq: int
    resource: str
    resource_type: str
    target: str
    kind: FindingKind
    version: str | None
    """What the target shows."""
    request: str | None
    """The request that made what the target should show."""
    by: str | None
    """Who made the change, as the target states. Nobody has checked it."""
    detail: str
    reporter: str
    seen_at: int | None
    reported_at: int
    closed_by: str | None
    closing_reason: str | None
    closed_at: int | None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look after it."""
        return self.closed_by is None and self.kind != "restored"

    @property
    def cursor(self) -> Cursor:
        """Where the list continues after this finding."""
        return Cursor(self.reported_at, self.partition, self.seq)


async def list_findings(
    db: Executor,
    *,
    types: Sequence[str] | None = None,
    is_open: bool | None = None,
    resource: str | None = None,
    after: Cursor | None = None,
    limit: int = 100,
) -> list[FindingView]:
    """Findings, the newest report first; at most LIST_MAX. A filter that is None does not filter.

    `types`: the resource types. `after`: the cursor of the last row on the previous page.
    """
    rows = await db.fetch(
        _SQL["list"],
        None if types is None else list(types),
        is_open,
        resource,
        *((None, None, None) if after is None else (after.at, after.partition, after.seq)),
        min(limit, LIST_MAX),
    )
    return [FindingView(**dict(row)) for row in rows]


async def show_finding(db: Executor, finding: str) -> FindingView | None:
    """One finding; None if there is none with this id (yet)."""
    place = parse_request_id(finding)
    row = None if place is None else await db.fetchrow(_SQL["show"], *place)
    return None if row is None else FindingView(**dict(row))


async def count_open_findings(db: Executor, *, types: Sequence[str] | None, limit: int) -> int:
    """How many findings of these types are open; of all types if None. At most `limit` are counted."""
    return await db.fetchval(_SQL["count_open"], None if types is None else list(types), limit) or 0
