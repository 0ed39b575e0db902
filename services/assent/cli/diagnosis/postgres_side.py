"""What Postgres knows of the log, for `assent doctor`, and whether it can be asked."""

import asyncpg
import msgspec

from assent.cli.connection.log_access import LogAccess, reading_tables
from assent.cli.diagnosis.check import Check
from assent.cli.diagnosis.log_checks import stored_finding
from assent.store.migrate import MigrationError, missing_migrations
from assent.store.positions import Reader, requests_read
from assent.store.postgres_heads import newest_in_postgres
from assent.store.postgres_reasons import reason
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.heads import HeadInEra

_READERS: tuple[Reader, ...] = ("status", "audit")


class PostgresSide(msgspec.Struct):
    """What was found out; empty as far as Postgres cannot be asked."""

    findings: list[Check]
    heads: NewestHeads
    positions: dict[str, dict[int, HeadInEra]]
    """How far each reader has come, by partition of the request ledger."""


async def look_at_postgres(access: LogAccess, follower: GovernanceFollower) -> PostgresSide:
    """Ask Postgres for the heads and the readers' positions. A reason why it cannot answer is a finding."""
    try:
        missing = await _missing_migrations(access.dsn)
        if missing:
            return PostgresSide([_missing_tables(missing)], NewestHeads(), {})
        async with reading_tables(access) as db:
            heads = await newest_in_postgres(db, follower)
            positions = {name: await requests_read(db, name) for name in _READERS}
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        found = reason(error)
        remedy = f"{found.todo} See logs/postgres.log."
        finding = Check(ok=False, what="Postgres answers", why=found.why, remedy=remedy)
        return PostgresSide([finding], NewestHeads(), {})
    return PostgresSide([Check(ok=True, what="Postgres answers"), stored_finding(heads)], heads, positions)


async def _missing_migrations(dsn: str) -> list[str]:
    """None where this login may not read which were applied: then reading the tables shows what is wrong."""
    try:
        return await missing_migrations(dsn)
    except MigrationError:
        return []


def _missing_tables(missing: list[str]) -> Check:
    return Check(
        ok=False,
        what="Postgres has the tables of this version",
        why=f"These migrations were not applied: {', '.join(missing)}.",
        remedy="`assent tables apply` applies them.",
    )
