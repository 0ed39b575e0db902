"""Why a server cannot be used, in words: by the type of an error, never by its text."""

from typing import Final

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from assent.store.pool import NotConnectedError, PoolerError
from assent.store.postgres_reasons import postgres_reason, reason

TEXT: Final = "disk full: postgresql://user:secret@host/db"
WHYS: Final[dict[type[Exception], str]] = {
    asyncpg.DiskFullError: "disk space",
    asyncpg.TooManyConnectionsError: "connections",
    asyncpg.PostgresIOError: "cannot read or write its files",
    asyncpg.DataCorruptedError: "cannot read or write its files",
    asyncpg.ReadOnlySQLTransactionError: "accepts no writes",
    asyncpg.CannotConnectNowError: "shutting down or starting",
    asyncpg.ConnectionDoesNotExistError: "ended the connection",
    asyncpg.QueryCanceledError: "in time",
    asyncpg.LockNotAvailableError: "in time",
    asyncpg.InvalidPasswordError: "refuses",
    asyncpg.InsufficientPrivilegeError: "refuses",
    asyncpg.UndefinedTableError: "lacks Assent's tables",
    asyncpg.InterfaceError: "broke",
    asyncpg.InternalClientError: "broke",
    ConnectionResetError: "broke",
    TimeoutError: "in time",
    NotConnectedError: "cannot be reached",
    PoolerError: "connection pooler",
}
OURS: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.PostgresSyntaxError,
    asyncpg.DataError,
    asyncpg.exceptions.DataError,
    FileNotFoundError,
    ValueError,
)


def _name(kind: type[Exception]) -> str:
    return kind.__name__


@pytest.mark.parametrize("kind", sorted(WHYS, key=_name))
def test_each_postgres_failure_has_a_reason_and_a_remedy(kind: type[Exception]) -> None:
    found = postgres_reason(kind(TEXT))
    assert found is not None
    assert WHYS[kind] in found.why
    assert found.todo
    assert "secret" not in found.why + found.todo


@pytest.mark.parametrize("kind", sorted(OURS, key=_name))
def test_our_own_faults_are_not_attributed_to_postgres(kind: type[Exception]) -> None:
    assert postgres_reason(kind(TEXT)) is None
    assert kind.__name__ in reason(kind(TEXT)).why


@pytest.mark.parametrize("kind", [KafkaError, KafkaConnectionError, TopicAuthorizationFailedError])
def test_each_kafka_failure_has_them_too(kind: type[KafkaError]) -> None:
    found = reason(kind(TEXT))
    assert "Kafka" in found.why
    assert found.todo
    assert "secret" not in found.why + found.todo
