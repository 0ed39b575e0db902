"""Bring a database's tables up to date with infra/migrations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate as pogo
from pogo_core.util import sql as pogo_sql

from assent.infra_files import infra_path
from assent.store.pool import connected, refuse_pooler

_LOCK: Final = 0x61737365_6E740001
"""Any number on which nothing else in this database takes an advisory lock."""
_SCHEMA: Final = "public"
_CONNECT_TIMEOUT_S: Final = 10


class MigrationError(Exception):
    """A migration could not be applied; the message states why and what to do."""


async def missing_migrations(dsn: str) -> list[str]:
    """The names of the migrations that this version has and the database lacks, in their order.

    Writes nothing. Raises asyncpg.PostgresError, PoolerError or OSError when the database cannot be reached,
    and MigrationError where the login may not read which migrations were applied.
    """
    names = sorted(path.stem for path in infra_path("migrations").glob("*.sql"))
    async with _connection(dsn) as connection:
        if await connection.fetchval("select to_regclass('public._pogo_migration')") is None:
            return names
        try:
            applied = await pogo_sql.get_applied_migrations(connection, schema_name=_SCHEMA)
        except asyncpg.InsufficientPrivilegeError as error:
            raise await _not_permitted(connection, error) from error
    return [name for name in names if name not in applied]


async def migrate(dsn: str) -> list[str]:
    """Apply the migrations that are missing, in order; returns their names.

    Two at once are safe: the second waits for the first and finds nothing to do. Each migration is one
    transaction. The login must own the database, or have CREATE on its schema public, and the tables that
    are there; the first time in a cluster it needs CREATEROLE.

    Raises asyncpg.PostgresError, PoolerError or OSError when the database cannot be reached, and
    MigrationError when the login lacks a right or a migration fails.
    """
    async with _connection(dsn) as connection:
        # The connection holds the lock, which is released when it closes for any reason.
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            await pogo_sql.ensure_pogo_sync(connection)
            before = await pogo_sql.get_applied_migrations(connection, schema_name=_SCHEMA)
            await pogo.apply(connection, infra_path("migrations"), schema_name=_SCHEMA)
            after = await pogo_sql.get_applied_migrations(connection, schema_name=_SCHEMA)
        except asyncpg.InsufficientPrivilegeError as error:
            raise await _not_permitted(connection, error) from error
        except BadMigrationError as error:
            if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise await _not_permitted(connection, error.__cause__) from error
            msg = f"{error}: {error.__cause__}. Nothing of this migration was changed."
            raise MigrationError(msg) from error
    return sorted(after - before)


async def _not_permitted(connection: asyncpg.Connection, error: asyncpg.PostgresError) -> MigrationError:
    login = await connection.fetchval("select session_user")
    return MigrationError(
        f"The login {login!r} may not change the tables: {error}. Use the login that owns them; the first"
        " time, one that owns the database and has CREATEROLE."
    )


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connected(
        dsn, timeout=_CONNECT_TIMEOUT_S, server_settings={"application_name": "assent-migrate"}
    )
    try:
        await refuse_pooler(connection)
        yield connection
    finally:
        await connection.close()
