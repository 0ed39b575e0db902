"""Why a server cannot be used, in words: by what an error is, never by what its text says."""

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


@pytest.mark.parametrize("kind", sorted(WHYS, key=lambda each: each.__name__))
def test_what_postgres_lacks_has_a_why_and_a_todo(kind: type[Exception]) -> None:
    found = postgres_reason(kind(TEXT))
    assert found is not None
    assert WHYS[kind] in found.why
    assert found.todo
    assert "secret" not in found.why + found.todo


@pytest.mark.parametrize("kind", sorted(OURS, key=lambda each: each.__name__))
def test_faults_of_ours_are_not_put_on_postgres(kind: type[Exception]) -> None:
    assert postgres_reason(kind(TEXT)) is None
    assert kind.__name__ in reason(kind(TEXT)).why


@pytest.mark.parametrize("kind", [KafkaError, KafkaConnectionError, TopicAuthorizationFailedError])
def test_what_kafka_lacks_has_them_too(kind: type[KafkaError]) -> None:
    found = reason(kind(TEXT))
    assert "Kafka" in found.why
    assert found.todo
    assert "secret" not in found.why + found.todo
