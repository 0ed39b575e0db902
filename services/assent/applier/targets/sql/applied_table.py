"""The table in the target that says which releases were applied. Its rows are the proof of exactly once."""

from typing import Any

from asyncpg import Connection
from asyncpg.pool import PoolConnectionProxy

from assent_contracts.client.handler import Release

Db = Connection | PoolConnectionProxy
"""A connection to the target."""


class AppliedTable:
    """One such table. Its name comes from the configuration, which allows only plain names."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def create(self, db: Db) -> None:
        """Create it if it is missing. Raises PostgresError."""
        if await db.fetchval("SELECT to_regclass($1)", self._name) is None:
            await db.execute(
                f"CREATE TABLE IF NOT EXISTS {self._name} ("
                " key text PRIMARY KEY,"
                " request text NOT NULL,"
                " resource text NOT NULL,"
                " submission text NOT NULL,"
                " digest text NOT NULL,"
                " claim bigint NOT NULL,"
                " xid text NOT NULL DEFAULT pg_current_xact_id()::text,"
                " applied_at timestamptz NOT NULL DEFAULT now())"
            )

    async def lock(self, db: Db, release: Release) -> None:
        """Wait until no other transaction works on this request, and keep others out until this one ends."""
        named = f"assent {release.change.request} {release.change.submission}"
        await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", named)

    async def add(self, db: Db, release: Release) -> None:
        """Note in this transaction that the release was applied. Raises UniqueViolationError if it was."""
        change = release.change
        await db.execute(
            f"INSERT INTO {self._name} (key, request, resource, submission, digest, claim)"  # noqa: S608
            " VALUES ($1, $2, $3, $4, $5, $6)",
            release.idempotency_key,
            change.request,
            change.resource,
            change.submission,
            change.digest,
            release.claim,
        )

    async def find(self, db: Db, keys: list[str]) -> Any | None:
        """The row of a release with one of these keys: `digest` and `xid`; None if there is none."""
        return await db.fetchrow(
            f"SELECT digest, xid FROM {self._name} WHERE key = ANY($1) LIMIT 1",  # noqa: S608
            keys,
        )
