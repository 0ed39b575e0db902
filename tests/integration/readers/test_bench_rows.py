"""The benchmarks write rows straight into Postgres: they match its tables."""

import asyncpg

from tests.bench.many_requests import ALICE, fill


async def test_requests_written_by_a_benchmark_are_rows_of_the_table(
    dsn: str, db: asyncpg.Connection
) -> None:
    newest = await fill(dsn, 1_000, lambda _done, _of: None)
    found = await db.fetchrow(
        "select count(*), max(changed_at) <= $1 as known, count(*) filter (where person = $2) as hers"
        " from requests",
        newest,
        ALICE,
    )
    assert found is not None
    assert (found["count"], found["known"], found["hers"] > 0) == (1_000, True, True)
