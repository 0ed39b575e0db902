"""Changes in Postgres: the effect is there exactly once, whatever fails when."""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from asyncpg.transaction import Transaction

from assent.applier.targets.sql.applied_table import AppliedTable
from assent.applier.targets.sql.table import SqlTable
from assent.applier.targets.sql.target import SqlTarget
from assent_contracts.client.handler import FinalError, RetryableError, UnknownOutcomeError
from tests.support.containers import Endpoints
from tests.support.releases import change, release
from tests.support.stack import fresh_database

_numbers = itertools.count()
ADD = {
    "statement": "INSERT INTO effects (name, size) VALUES ($1, $2)",
    "parameters": ["id", "/size"],
}
MIGRATE: dict[str, Any] = {"types": ["migration"]}


@pytest.fixture
async def dsn(running: Endpoints) -> str:
    dsn = await fresh_database(running.dsn, f"target_{next(_numbers)}")
    db = await asyncpg.connect(dsn)
    await db.execute("CREATE TABLE effects (name text, size numeric, made timestamptz DEFAULT now())")
    await db.close()
    return dsn


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def target(dsn: str, tmp_path: Path, *statements: dict[str, Any], **fields: Any) -> SqlTarget:
    (tmp_path / "dsn").write_text(dsn + "\n")
    table = {"dsn": f"file:{tmp_path}/dsn", "statements": list(statements or (ADD,)), **fields}
    return SqlTarget(msgspec.convert(table, SqlTable), 10)


async def effects(db: asyncpg.Connection) -> list[str]:
    return [row["name"] for row in await db.fetch("SELECT name FROM effects ORDER BY made")]


async def noted(db: asyncpg.Connection) -> list[str]:
    if await db.fetchval("SELECT to_regclass('assent_applied')") is None:
        return []
    return [row["request"] for row in await db.fetch("SELECT request FROM assent_applied")]


SIZE = b'{"size": 12.50}'


async def test_statement_and_note_are_in_one_transaction(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    applied = await target(dsn, tmp_path).apply(release("app/pay", SIZE))
    assert applied is not None
    row = await db.fetchrow("SELECT name, size::text, xmin::text FROM effects")
    assert row is not None
    assert tuple(row)[:2] == ("pay", "12.50")
    assert applied.version == await db.fetchval("SELECT xid FROM assent_applied")
    assert row["xmin"] == await db.fetchval("SELECT xmin::text FROM assent_applied")


async def test_release_that_was_applied_is_not_applied_again(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    first = await target(dsn, tmp_path).apply(release("app/pay", SIZE))
    assert await target(dsn, tmp_path).apply(release("app/pay", SIZE)) == first
    assert await target(dsn, tmp_path).read_back(release("app/pay", SIZE)) == first
    assert await effects(db) == ["pay"]


async def test_another_release_of_a_restored_log_is_applied(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    """It has the same request id and another submission."""
    await target(dsn, tmp_path).apply(release("app/pay", SIZE))
    await target(dsn, tmp_path).apply(release("app/pay", b'{"size": 2}'))
    assert await effects(db) == ["pay", "pay"]


async def test_change_that_people_release_again_is_not_made_again_if_it_was_made(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    first = release("app/pay", SIZE)
    made = await target(dsn, tmp_path).apply(first)
    again = msgspec.structs.replace(first, idempotency_key="0" * 64, earlier_keys=(first.idempotency_key,))
    assert await target(dsn, tmp_path).apply(again) == made
    assert await effects(db) == ["pay"]


async def test_ten_appliers_of_one_release_make_one_effect(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    slow = ADD | {"statement": "INSERT INTO effects SELECT $1, $2 FROM pg_sleep(0.1)"}
    racers = [target(dsn, tmp_path, slow) for _ in range(10)]
    await racers[0].read_back(release("app/pay", SIZE))
    applied = await asyncio.gather(*(each.apply(release("app/pay", SIZE)) for each in racers))
    assert len(set(applied)) == 1
    assert await effects(db) == ["pay"]


async def test_value_that_looks_like_sql_is_a_value(dsn: str, db: asyncpg.Connection, tmp_path: Path) -> None:
    name = "x'); DROP TABLE effects; --"
    await target(dsn, tmp_path).apply(release(f"app/{name}", SIZE))
    assert await effects(db) == [name]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"size": "many"}', "invalid input"),
        (b"{}", "the payload has nothing at '/size'"),
        (b'{"size": 1e400000}', "Nothing was changed"),
    ],
)
async def test_value_that_does_not_fit_is_final(
    payload: bytes, said: str, dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(FinalError, match=said):
        await target(dsn, tmp_path).apply(release("app/pay", payload))
    assert (await effects(db), await noted(db)) == ([], [])


async def test_operation_without_a_statement_is_final(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(FinalError, match="no statement is configured for the operation delete of a app"):
        await target(dsn, tmp_path, ADD | {"operations": ["edit"]}).apply(
            release("app/pay", SIZE, operation="delete")
        )


async def test_other_number_of_rows_changes_nothing(dsn: str, db: asyncpg.Connection, tmp_path: Path) -> None:
    await db.execute("INSERT INTO effects (name) VALUES ('a'), ('b')")
    every = {"statement": "UPDATE effects SET name = $1", "parameters": ["id"], "rows": 1}
    with pytest.raises(FinalError, match="'UPDATE 2', and 1 rows must change"):
        await target(dsn, tmp_path, every).apply(release("app/pay"))
    assert (await effects(db), await noted(db)) == (["a", "b"], [])


async def test_migration_of_several_statements_is_made_whole(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    text = "CREATE TABLE made (i int); INSERT INTO made VALUES (1), (2); -- with a 'quote\nSELECT $$;$$"
    await target(dsn, tmp_path, MIGRATE).apply(release("migration/1", msgspec.json.encode(text)))
    assert await db.fetchval("SELECT count(*) FROM made") == 2


async def test_migration_that_fails_in_the_middle_changes_nothing(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(FinalError, match=r"Nothing was changed: division by zero \(22012\)"):
        await target(dsn, tmp_path, MIGRATE).apply(
            release("migration/1", b"\"INSERT INTO effects VALUES ('a'); SELECT 1/0\"")
        )
    assert (await effects(db), await noted(db)) == ([], [])


@pytest.mark.parametrize(
    "control",
    [
        "COMMIT",
        "/* x */ commit and chain",
        "ROLLBACK",
        "END",
        "ABORT",
        "BEGIN",
        "SAVEPOINT a",
        "PREPARE TRANSACTION 'p'",
        "DO $$ BEGIN COMMIT; END $$",
        "CALL commits()",
    ],
)
async def test_transaction_control_in_a_migration_is_refused_and_nothing_escapes(
    control: str, dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    await db.execute("CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$")
    first, last = "INSERT INTO effects VALUES ('a')", "INSERT INTO effects VALUES ('b')"
    text = f"{first}; {control}; {last}"
    with pytest.raises(FinalError, match="it runs in one transaction"):
        await target(dsn, tmp_path, MIGRATE).apply(release("migration/1", msgspec.json.encode(text)))
    assert (await effects(db), await noted(db)) == ([], [])


@pytest.mark.parametrize(
    "statement",
    ["CREATE INDEX CONCURRENTLY i ON effects (name)", "VACUUM effects", "ALTER SYSTEM SET work_mem = '5MB'"],
)
async def test_statement_that_cannot_run_in_a_transaction_is_refused_with_what_to_do(
    statement: str, dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(FinalError, match="Run it by hand or with the command applier"):
        await target(dsn, tmp_path, MIGRATE).apply(release("migration/1", msgspec.json.encode(statement)))
    assert await noted(db) == []


async def test_configured_statement_that_ends_the_transaction_is_unknown(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownOutcomeError, match="ended the transaction"):
        await target(dsn, tmp_path, {"statement": "COMMIT"}).apply(release())


async def test_lock_that_others_hold_is_retryable(dsn: str, db: asyncpg.Connection, tmp_path: Path) -> None:
    one = target(dsn, tmp_path, lock_timeout_s=0.1)
    async with db.transaction():
        await db.execute("LOCK TABLE effects")
        with pytest.raises(RetryableError, match="55P03"):
            await one.apply(release("app/pay", SIZE))
    await one.apply(release("app/pay", SIZE))
    assert await effects(db) == ["pay"]


async def test_statement_that_takes_too_long_is_retryable_and_changes_nothing(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    slow = "INSERT INTO effects VALUES ('a'); SELECT pg_sleep(60)"
    with pytest.raises(RetryableError, match="57014"):
        await target(dsn, tmp_path, MIGRATE, statement_timeout_s=0.2).apply(
            release("migration/1", msgspec.json.encode(slow))
        )
    assert await effects(db) == []


async def test_deferred_constraint_that_fails_at_commit_is_final(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    await db.execute("ALTER TABLE effects ADD CONSTRAINT one UNIQUE (name) DEFERRABLE INITIALLY DEFERRED")
    await db.execute("INSERT INTO effects VALUES ('pay')")
    with pytest.raises(FinalError, match="duplicate key"):
        await target(dsn, tmp_path).apply(release("app/pay", SIZE))
    assert await noted(db) == []


async def test_database_that_does_not_answer_is_retryable(tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match="does not answer") as raised:
        await target("postgresql://me:secret-word@127.0.0.1:1/x", tmp_path).apply(release("app/pay", SIZE))
    assert "secret-word" not in str(raised.value)


async def test_connection_lost_before_commit_changes_nothing(
    dsn: str, db: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(RetryableError, match="Nothing was changed"):
        await target(dsn, tmp_path, MIGRATE).apply(
            release("migration/1", msgspec.json.encode(f"SELECT 1; {kill}"))
        )
    assert (await effects(db), await noted(db)) == ([], [])


@pytest.mark.parametrize("commit_is", ["carried out", "lost"])
async def test_commit_whose_answer_is_lost_is_looked_up(
    commit_is: str, dsn: str, db: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Transaction.commit

    async def commit(self: Transaction) -> None:
        monkeypatch.undo()
        if commit_is == "carried out":
            await real(self)
        else:
            self._connection.terminate()
        raise ConnectionResetError

    monkeypatch.setattr(Transaction, "commit", commit)
    one = target(dsn, tmp_path)
    if commit_is == "carried out":
        assert await one.apply(release("app/pay", SIZE)) is not None
    else:
        with pytest.raises(RetryableError, match="shows that nothing was changed"):
            await one.apply(release("app/pay", SIZE))
        assert await effects(db) == []
        await one.apply(release("app/pay", SIZE))
    assert await effects(db) == ["pay"]


KILLED = """
import asyncio, os, signal, sys, msgspec
from pathlib import Path
from assent.applier.targets.sql.applied_table import AppliedTable
from assent.applier.targets.sql.target import SqlTarget
from tests.integration.applier import test_sql
from asyncpg.transaction import Transaction
step = sys.argv[1]
def die(owner, name, when):
    real = getattr(owner, name)
    async def until_then(self, *arguments):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await real(self, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, until_then)
die(*{"noted": (AppliedTable, "add", "after"), "run": (SqlTarget, "_run", "after"),
      "before commit": (Transaction, "commit", "before"),
      "after commit": (Transaction, "commit", "after")}[step])
from tests.support.releases import release
asyncio.run(test_sql.target(sys.argv[2], Path(sys.argv[3])).apply(release("app/pay", test_sql.SIZE)))
"""


@pytest.mark.parametrize("step", ["noted", "run", "before commit", "after commit"])
async def test_applier_killed_at_a_step_leaves_no_effect_or_all_of_it_and_the_next_makes_it_once(
    step: str, dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        KILLED,
        step,
        dsn,
        str(tmp_path),
        cwd=Path(__file__).parents[3],
        env={**os.environ},
    )
    assert await asyncio.wait_for(killed.wait(), 30) == -signal.SIGKILL
    one = target(dsn, tmp_path)
    found = await one.read_back(release("app/pay", SIZE))
    assert (found is not None) == (step == "after commit")
    assert await effects(db) == (["pay"] if found else [])
    assert await one.apply(release("app/pay", SIZE)) == found or found is None
    assert await effects(db) == ["pay"]


async def test_read_back_waits_for_a_transaction_that_may_still_commit(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    one = target(dsn, tmp_path, lock_timeout_s=0.1)
    await one.read_back(release())
    async with db.transaction():
        await AppliedTable("assent_applied").lock(db, release())
        with pytest.raises(RetryableError):
            await one.read_back(release())
    assert await one.read_back(release()) is None


async def test_dry_run_shows_the_statement_and_its_parameters_and_runs_nothing(
    dsn: str, db: asyncpg.Connection, tmp_path: Path
) -> None:
    shown = await target(dsn, tmp_path).plan(change("app/pay", SIZE))
    assert shown.splitlines() == [
        "INSERT INTO effects (name, size) VALUES ($1, $2)",
        "-- $1 text: 'pay'",
        "-- $2 numeric: Decimal('12.50')",
    ]
    assert await effects(db) == []
