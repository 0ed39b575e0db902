"""What a reader's tables must contain, whatever happened to it before."""

import asyncpg

from tests.integration.readers.conftest import Written
from tests.integration.readers.test_status import counted_rows, recount
from tests.support.readers import SPECS, positions, wanted


async def assert_each_record_once(db: asyncpg.Connection, name: str, written: Written) -> None:
    """The reader's tables contain exactly what the ledger states."""
    assert await positions(db, SPECS[name]) == wanted(SPECS[name], written.heads)
    if name == "status":
        assert await counted_rows(db) == recount(written)
        return
    rows = await db.fetch("select ledger, partition, seq, value_sha256 from audit")
    assert sorted(tuple(row) for row in rows) == sorted(
        (*place, each.record.seq, each.value_sha256)
        for place, run in written.accepted.items()
        for each in run
    )
