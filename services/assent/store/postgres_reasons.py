"""Why Postgres cannot be used, and what to do: by its SQLSTATE, never by the text of an error."""

from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from assent.observe.failure_reasons import kafka_reason, reason_of
from assent.observe.health import Reason
from assent.store.pool import NotConnectedError, PoolerError
from assent_contracts.client.follower import NotWholeError

_RESOURCES: Final = Reason(
    why="Postgres has run out of disk space, memory or connections.",
    todo="Free space on its disk, or raise its limits. Its own log names the cause.",
)
_DISK: Final = Reason(
    why="Postgres cannot read or write its files.",
    todo="Check its disk and its own log. The tables can be rebuilt from the ledger in an empty database.",
)
_READ_ONLY: Final = Reason(
    why="Postgres accepts no writes: it is a standby, or was made read-only.",
    todo="Set ASSENT_POSTGRES to the primary, and check why it is read-only.",
)
_ENDING: Final = Reason(
    why="Postgres is shutting down or starting, or has ended the connection.",
    todo="Wait until it is up again; this continues by itself. See its own log for the reason.",
)
_REFUSED: Final = Reason(
    why="Postgres refuses this service: its login, its database or its rights are wrong.",
    todo="Check ASSENT_POSTGRES and that its login is a member of this service's role.",
)
_NO_TABLES: Final = Reason(
    why="The database lacks Assent's tables, or they are those of an older version.",
    todo="Run `assent tables apply`. `assent up` does so when it starts.",
)
_UNREACHABLE: Final = Reason(
    why="Postgres cannot be reached.",
    todo="Check that it runs, that ASSENT_POSTGRES names it, and that the network lets this service through.",
)
_SLOW: Final = Reason(
    why="Postgres does not answer in time.", todo="Check its load, its locks and its disk. This tries again."
)
_POOLER: Final = Reason(
    why="ASSENT_POSTGRES leads to a connection pooler, which gives one service's role to another.",
    todo="Connect to Postgres itself: put its own host and port in ASSENT_POSTGRES.",
)
_BROKEN: Final = Reason(
    why="The connection to Postgres broke.",
    todo="Wait: this connects again. See Postgres's log if this persists.",
)
_BY_CLASS: Final = {
    "08": _ENDING,
    "28": _REFUSED,
    "3D": _REFUSED,
    "53": _RESOURCES,
    "55": _SLOW,
    "57": _ENDING,
    "58": _DISK,
    "F0": _DISK,
    "XX": _DISK,
}
_BY_STATE: Final = {
    "25006": _READ_ONLY,
    "40001": _SLOW,
    "40P01": _SLOW,
    "42501": _REFUSED,
    "42703": _NO_TABLES,
    "42P01": _NO_TABLES,
    "3F000": _NO_TABLES,
    "55000": _REFUSED,
    "57014": _SLOW,
}


def postgres_reason(error: BaseException) -> Reason | None:
    """Why Postgres cannot be used; None for a fault of ours or one that is not about Postgres."""
    match error:
        case PoolerError():
            return _POOLER
        case asyncpg.PostgresError():
            state: str = getattr(error, "sqlstate", None) or ""
            return _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
        case NotConnectedError():
            return _UNREACHABLE
        case TimeoutError():
            return _SLOW
        case asyncpg.DataError():
            return None
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() | ConnectionError():
            return _BROKEN
        case _:
            return None


def reason(error: BaseException) -> Reason:
    """Why a reader of the ledger cannot continue."""
    if isinstance(error, KafkaError):
        return kafka_reason(error)
    if isinstance(error, NotWholeError):
        return reason_of(error.finding)
    return postgres_reason(error) or Reason(
        why=f"It fails with {type(error).__name__}.",
        todo="See its log. It tries again by itself. If this persists, report it with that log.",
    )
