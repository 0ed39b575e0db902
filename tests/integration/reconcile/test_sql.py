"""R28: a database in which people change rows by hand."""

import itertools
import tracemalloc
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from assent.applier.targets.sql.table import SqlTable
from assent.applier.targets.sql.target import SqlTarget
from assent.reconcile.readers.reader import UnreadableTargetError
from tests.support.containers import Endpoints
from tests.support.reconciling import Reconciling, shape
from tests.support.stack import fresh_database

_numbers = itertools.count()
SET = {
    "statement": "INSERT INTO flags (name, value) VALUES ($1, $2)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "parameters": ["id", "/value"],
}
LISTING = "SELECT 'flag/' || name AS resource, xmin::text AS xmin, 'dba' AS by FROM flags"


class Database:
    def __init__(self, reconciling: Reconciling, dsn: str, db: asyncpg.Connection) -> None:
        self.db = db
        self._reconciling = reconciling
        secret = reconciling.folder / "dsn"
        secret.write_text(dsn)
        self._dsn = f"file:{secret}"
        table = msgspec.convert({"dsn": self._dsn, "statements": [SET]}, SqlTable)
        self.target = SqlTarget(table, 10)
        self.name = reconciling.name
        self.object = f"flag/{self.name}"

    def configured(self, listing: str | None = LISTING, table: str | None = "public.assent_applied") -> None:
        lines = ['kind = "sql"', "[sql]", f'dsn = "{self._dsn}"']
        lines += [] if listing is None else [f'listing = """{listing}"""']
        lines += [] if table is None else [f'table = "{table}"']
        self.file = self._reconciling.configuration("\n".join(lines), types='["flag"]')


@pytest.fixture
async def database(reconciling: Reconciling, running: Endpoints) -> AsyncIterator[Database]:
    dsn = await fresh_database(running.dsn, f"reconciled_{next(_numbers)}")
    db = await asyncpg.connect(dsn)
    await db.execute("CREATE TABLE flags (name text PRIMARY KEY, value text)")
    made = Database(reconciling, dsn, db)
    made.configured()
    yield made
    await db.close()


async def test_R28_a_row_that_was_updated_by_hand_is_found_once(
    reconciling: Reconciling, database: Database
) -> None:
    request = await reconciling.applied(database.target, database.object, b'{"value":"on"}')
    await reconciling.run(database.file)
    assert await reconciling.found(database.file) == []
    await database.db.execute("UPDATE flags SET value = 'off' WHERE name = $1", database.name)
    run = await reconciling.run(database.file)
    assert [(each.kind, each.resource, each.request, each.by) for each in run.reported] == [
        ("different", database.object, request.request, "dba")
    ]
    assert await reconciling.found(database.file) == []


async def test_R28_a_row_by_hand_and_a_deleted_row_are_found(
    reconciling: Reconciling, database: Database
) -> None:
    request = await reconciling.applied(database.target, database.object, b'{"value":"on"}')
    await reconciling.run(database.file)
    await database.db.execute("DELETE FROM flags")
    await database.db.execute("INSERT INTO flags VALUES ('extra', 'on')")
    found = await reconciling.found(database.file)
    assert [(kind, resource) for kind, resource, _, _ in found] == [
        ("unexplained", "flag/extra"),
        ("missing", database.object),
    ]
    assert found[1][3] == request.request


async def test_R28_a_forged_row_of_an_applied_release_is_found_once(
    reconciling: Reconciling, database: Database
) -> None:
    request = await reconciling.applied(database.target, database.object, b'{"value":"on"}')
    await reconciling.run(database.file)
    await database.db.execute(
        "INSERT INTO assent_applied (key, request, resource, submission, digest, claim)"
        " SELECT 'forged', request, resource, submission, repeat('0', 64), claim FROM assent_applied"
    )
    run = await reconciling.run(database.file)
    assert shape(run) == [("unexplained", database.object, "row:forged", None)]
    assert run.reported[0].detail.endswith(f"It is not what request {request.request} made.")
    assert await reconciling.found(database.file) == []


async def test_R28_a_change_without_its_row_is_missing(reconciling: Reconciling, database: Database) -> None:
    database.configured(listing=None)
    request = await reconciling.applied(database.target, database.object, b'{"value":"on"}')
    await reconciling.run(database.file)
    assert await reconciling.found(database.file) == []
    await database.db.execute("DELETE FROM assent_applied")
    assert await reconciling.found(database.file) == [("missing", database.object, None, request.request)]
    assert await reconciling.found(database.file) == []


async def test_R28_rows_that_are_huge_do_not_fill_the_memory(
    reconciling: Reconciling, database: Database
) -> None:
    listing = (
        "SELECT 'flag/' || n AS resource, repeat(n::text, 30000000) AS version, repeat('x', 30000000) AS by"
        " FROM generate_series(1, 3) AS n;"
    )
    database.configured(listing=listing, table=None)
    async with reconciling.running(database.file) as reconciler:
        tracemalloc.start()
        try:
            found = shape(await reconciler.run())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    versions = {resource: version for kind, resource, version, _ in found if kind == "unexplained"}
    assert versions.keys() == {"flag/1", "flag/2", "flag/3"}
    assert len({*versions.values()}) == 3
    assert peak < 20_000_000


@pytest.mark.parametrize("update", ["SET resource = 'not an object'", "SET request = NULL"])
async def test_R28_rows_that_no_applier_writes_do_not_hide_others(
    reconciling: Reconciling, database: Database, update: str
) -> None:
    await reconciling.applied(database.target, database.object, b'{"value":"on"}')
    await reconciling.run(database.file)
    await database.db.execute("ALTER TABLE assent_applied ALTER request DROP NOT NULL")
    await database.db.execute("UPDATE assent_applied " + update)
    with pytest.raises(UnreadableTargetError, match="no applier has written"):
        await reconciling.run(database.file)


@pytest.mark.parametrize(
    ("listing", "why"),
    [
        ("SELECT name AS resource, xmin::text AS xmin FROM flags", "not <type>/<id>"),
        ("SELECT 'flag/' || name AS resource FROM flags", "needs a column"),
        ("SELECT 'flag/x' AS resource, '1' AS version FROM flags, flags AS again", "two rows"),
        ("DELETE FROM flags RETURNING 'flag/' || name AS resource, '1' AS version", "cannot be read"),
        ("SELECT nothing", "cannot be read"),
    ],
)
async def test_R28_a_listing_that_cannot_be_read_is_no_finding(
    reconciling: Reconciling, database: Database, listing: str, why: str
) -> None:
    await database.db.execute("INSERT INTO flags VALUES ('one', 'on'), ('two', 'on')")
    database.configured(listing=listing, table=None)
    with pytest.raises(UnreadableTargetError, match=why):
        await reconciling.run(database.file)
    assert await database.db.fetchval("SELECT count(*) FROM flags") == 2
    assert await reconciling.recorded() == []
