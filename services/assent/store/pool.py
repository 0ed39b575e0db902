"""Connections to Postgres that act in one role, with a limit on every wait."""

from typing import Any, Final, Literal

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

DatabaseRole = Literal[
    "assent_gateway", "assent_audit", "assent_status", "assent_notify", "assent_reader", "assent_upstream"
]

CONNECT_TIMEOUT_S: Final = 10.0
STATEMENT_TIMEOUT_MS: Final = 30_000
LOCK_TIMEOUT_MS: Final = 10_000
IDLE_IN_TRANSACTION_MS: Final = 10_000
"""An instance that was paused inside a transaction must not lock its position's row for the others."""

PostgresConnection = asyncpg.Connection | PoolConnectionProxy
"""One connection, in a pool or not."""
Executor = PostgresConnection | asyncpg.Pool
"""What a query runs on."""


class NotConnectedError(OSError):
    """Postgres cannot be connected to."""


class PoolerError(asyncpg.InterfaceError):
    """There is a connection pooler between this process and Postgres.

    It may give one role's connection to another, so what one service sets on it, such as its role and its
    limits, would apply to the next.
    """


async def open_pool(dsn: str, role: DatabaseRole, *, application: str, size: int = 4) -> asyncpg.Pool:
    """A pool of at most `size` connections in `role`. It connects when it is first used.

    The login of `dsn` must be `role` or a member of it, or a superuser (the embedded stack's). Acquiring a
    connection raises NotConnectedError, PoolerError or asyncpg.PostgresError when none is available.
    """

    async def set_up(connection: asyncpg.Connection) -> None:
        await refuse_pooler(connection)
        await connection.execute(f"set role {role}")
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, schema="pg_catalog", encoder=_to_json, decoder=_from_json)

    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_TIMEOUT_S,
        # Slightly longer than the server's own limit, which also ends the statement.
        command_timeout=STATEMENT_TIMEOUT_MS / 1_000 + 5,
        connect=connected,
        init=set_up,
        reset=_nothing_to_reset,
        server_settings={
            "application_name": application,
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            # Queries leave out filters that are null. A generic plan would ignore the indexes.
            "plan_cache_mode": "force_custom_plan",
        },
    )


async def connected(*args: Any, **options: Any) -> asyncpg.Connection:
    """Asyncpg's `connect`. Raises NotConnectedError, PoolerError, asyncpg.PostgresError."""
    try:
        return await asyncpg.connect(*args, **options)
    except asyncpg.ProtocolViolationError as error:
        # Poolers raise it because they refuse the settings above; Postgres itself does not.
        raise PoolerError(str(error)) from error
    except OSError as error:
        # TimeoutError is included. The text goes into logs; it has neither a password nor a query.
        raise NotConnectedError(str(error) or type(error).__name__) from error


async def refuse_pooler(connection: asyncpg.Connection) -> None:
    """Make sure that Postgres itself is at the other end. Raises PoolerError.

    On connection a server process reports its pid, for canceling statements. A pooler reports a number of its
    own, because it passes statements to different processes.
    """
    try:
        answering = await connection.fetchval("select pg_backend_pid()")
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError) as error:
        raise PoolerError(str(error)) from error
    if answering != connection.get_server_pid():
        raise PoolerError("the answering process is not the one that the connection was made to")


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Save a round trip for each use: no one changes a session beyond its transaction.

    The pool itself rolls back a transaction that was left open.
    """


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _from_json(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
