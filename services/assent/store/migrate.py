"""Bring a database's tables up to date with infra/migrations."""

from typing import Final

from pogo_core.util import migrate as pogo
from pogo_core.util import sql as pogo_sql

from assent.infra_files import infra_path
from assent.store.pool import connected, refuse_pooler

_LOCK: Final = 0x61737365_6E740001
"""Any number on which nothing else in this database takes an advisory lock."""
_SCHEMA: Final = "public"
_CONNECT_TIMEOUT_S: Final = 10


async def migrate(dsn: str) -> list[str]:
    """Apply the migrations that are missing, in order; returns their names.

    Two at once are safe: the second waits for the first and finds nothing to do. Each migration is one
    transaction. The login needs CREATE on the database and, the first time in a cluster, CREATEROLE.

    Raises asyncpg.PostgresError, PoolerError or OSError when the database cannot be reached, and
    pogo_core.error.BadMigrationError when a migration fails.
    """
    connection = await connected(
        dsn, timeout=_CONNECT_TIMEOUT_S, server_settings={"application_name": "assent-migrate"}
    )
    try:
        await refuse_pooler(connection)
        # The connection holds the lock, which is released when it closes for any reason.
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await pogo_sql.ensure_pogo_sync(connection)
        before = await pogo_sql.get_applied_migrations(connection, schema_name=_SCHEMA)
        await pogo.apply(connection, infra_path("migrations"), schema_name=_SCHEMA)
        after = await pogo_sql.get_applied_migrations(connection, schema_name=_SCHEMA)
    finally:
        await connection.close()
    return sorted(after - before)
