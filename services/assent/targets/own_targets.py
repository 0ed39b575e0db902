"""R17: a principal's own targets: where to send them news, and which news."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection
from assent.targets.news import EVENTS, NewsEvent
from assent.targets.urls import (
    SECRET_BYTES,
    TargetKind,
    TargetRefusedError,
    check_secret,
    check_url,
    masked,
    secret_of,
)

TARGETS_MAX: Final = 10
"""The most targets that one principal can have."""
_SQL = load_sql(Path(__file__).with_name("own_targets.sql"))


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """A target as its owner sees it: the URL is masked, and the secret is left out."""

    id: UUID
    principal: str
    kind: TargetKind
    shown_url: str
    events: tuple[str, ...] | None
    """The news that it wants; None for all."""
    enabled: bool
    created_at: datetime
    failures: int
    """How many messages in a row it did not accept."""
    paused: bool
    """Nothing is sent to it for a while, because of those failures."""


class NewTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target that was just made, and a webhook's secret, which is shown only this once."""

    target: TargetView
    secret: str | None


async def add_target(
    connection: PostgresConnection,
    principal: str,
    kind: TargetKind,
    url: str,
    *,
    events: Sequence[str] | None = None,
    secret: str | None = None,
    allow_private: bool = False,
) -> NewTarget:
    """Send a principal's news to `url`. Without `secret`, a webhook gets a random one.

    Raises TargetRefusedError.
    """
    await asyncio.to_thread(check_url, kind, url, allow_private=allow_private)
    _check_events(events)
    if kind == "apprise":
        secret = None
    elif secret is None:
        secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    else:
        check_secret(secret)
    async with connection.transaction():
        # Two at once could each find room for one more.
        await connection.execute(_SQL["lock"], principal)
        if await connection.fetchval(_SQL["is_full"], principal, TARGETS_MAX):
            raise TargetRefusedError("too-many-targets", f"At most {TARGETS_MAX} targets: remove one first.")
        row = await connection.fetchrow(_SQL["add"], principal, kind, url, secret, events)
    if row is None:
        raise TargetRefusedError("target-exists", "You have this target already.")
    return NewTarget(target=_view(row), secret=secret)


async def list_targets(db: Executor, principal: str) -> list[TargetView]:
    """The principal's targets, the oldest first."""
    return [_view(row) for row in await db.fetch(_SQL["list"], principal)]


async def notified(db: Executor, principals: Sequence[str], event: NewsEvent) -> set[str]:
    """Those of the principals who have a target that gets such news."""
    return {row["principal"] for row in await db.fetch(_SQL["notified"], list(principals), event)}


async def change_target(
    db: Executor,
    principal: str,
    target: UUID,
    *,
    events: Sequence[str] | UnsetType | None = UNSET,
    enabled: bool | UnsetType = UNSET,
) -> TargetView | None:
    """Change the given settings of a target; None when the principal has no such target.

    `events`: None for all of them. Raises TargetRefusedError.
    """
    kinds = None if events is UNSET else events
    _check_events(kinds)
    row = await db.fetchrow(
        _SQL["change"], principal, target, events is not UNSET, kinds, None if enabled is UNSET else enabled
    )
    return None if row is None else _view(row)


async def remove_target(db: Executor, principal: str, target: UUID) -> bool:
    """Send nothing more there, not even what is waiting; False when the principal has no such target."""
    return await db.execute(_SQL["remove"], principal, target) == "DELETE 1"


def _check_events(events: Sequence[str] | None) -> None:
    if events is not None and (not events or not set(events) <= set(EVENTS) or len(events) > len(EVENTS)):
        raise TargetRefusedError("unknown-event", f"Choose among these: {', '.join(EVENTS)}.")


def _view(row: asyncpg.Record) -> TargetView:
    return TargetView(
        id=row["id"],
        principal=row["principal"],
        kind=row["kind"],
        shown_url=masked(row["url"]),
        events=None if row["events"] is None else tuple(row["events"]),
        enabled=row["enabled"],
        created_at=row["created_at"],
        failures=row["failures"],
        paused=row["paused"],
    )
