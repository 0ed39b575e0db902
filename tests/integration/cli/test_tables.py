"""`assent tables apply` on a real Postgres: the plan, the migrations, and a login that may not apply them."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from assent.cli import output
from assent.infra_files import infra_path
from tests.support.cli import Answer
from tests.support.containers import Endpoints
from tests.support.in_process_cli import assent
from tests.support.stack import fresh_database

NAMES = sorted(path.stem for path in infra_path("migrations").glob("*.sql"))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own standard streams."""
    monkeypatch.setattr(output, "_consoles", {})


class Database:
    """A new database, and `assent` with its address."""

    def __init__(self, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.dsn = dsn
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def apply(self, *more: str, dsn: str | None = None) -> Answer:
        self._monkeypatch.setenv("ASSENT_POSTGRES", dsn or self.dsn)
        return assent(self._capsys, "tables", "apply", *more)

    def run(self, *statements: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.dsn)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())

    def as_login(self, name: str) -> str:
        """The address for this login, whose password is its name."""
        parts = urlsplit(self.dsn)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{name}:{name}@{host}"))


@pytest.fixture
def database(
    running: Endpoints, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], plain: None
) -> Database:
    del plain
    return Database(asyncio.run(fresh_database(running.dsn, "tables")), monkeypatch, capsys)


def test_dry_run_prints_the_plan_and_leaves_the_database_empty(database: Database) -> None:
    for _ in range(2):
        answer = database.apply("--dry-run")
        assert (answer.code, answer.out) == (0, f"Missing: {', '.join(NAMES)}.\n")
        assert database.apply("--dry-run", "--json").json == {"missing": NAMES, "applied": []}


def test_tables_are_made_once_and_then_there_is_nothing_to_do(database: Database) -> None:
    answer = database.apply()
    assert answer.code == 0, answer
    assert answer.out.splitlines() == [f"Missing: {', '.join(NAMES)}.", f"Applied: {', '.join(NAMES)}."]
    again = database.apply()
    assert (again.code, again.out) == (0, "Nothing to do: all tables are there, as they must be.\n")
    assert database.apply("--json").json == {"missing": [], "applied": []}


def test_json_names_what_was_applied(database: Database) -> None:
    assert database.apply("--json").json == {"missing": NAMES, "applied": NAMES}


def test_login_that_owns_the_database_and_makes_roles_is_enough(database: Database) -> None:
    database.run(
        "drop role if exists tables_owner",
        "create role tables_owner login createrole password 'tables_owner'",
        "alter database tables owner to tables_owner",
    )
    answer = database.apply(dsn=database.as_login("tables_owner"))
    assert answer.code == 0, answer
    database.run("alter database tables owner to current_user", "drop owned by tables_owner cascade")


@pytest.mark.parametrize("is_migrated", [False, True], ids=["empty", "migrated"])
def test_login_that_may_not_change_the_tables_is_named_and_nothing_is_changed(
    database: Database, *, is_migrated: bool
) -> None:
    if is_migrated:
        assert database.apply().code == 0
    database.run("drop role if exists stranger", "create role stranger login password 'stranger'")
    answer = database.apply(dsn=database.as_login("stranger"))
    assert answer.code == 1
    assert "The login 'stranger' may not" in answer.err
    assert "permission denied" in answer.err
    assert database.apply("--dry-run", "--json").json["missing"] == ([] if is_migrated else NAMES)


def test_database_out_of_reach_and_none_named_are_said(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = database.apply(dsn="postgresql://nobody@127.0.0.1:1/none")
    assert (answer.code, "cannot be reached" in answer.err) == (1, True)
    monkeypatch.delenv("ASSENT_POSTGRES")
    answer = assent(capsys, "tables", "apply")
    assert (answer.code, "Set ASSENT_POSTGRES" in answer.err) == (1, True)
