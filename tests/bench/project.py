"""Status and audit: the real services over the ledger, next to a server-side COPY of the audit rows."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from assent.local.system_user import let_reach, user_for_postgres
from assent.store.migrate import migrate
from assent_contracts.topics import LEDGER
from tests.bench.child import Answer, ChildFailedError, Told, peak_mib
from tests.bench.founded_log import Log
from tests.bench.services import running
from tests.bench.workload import PARTITION
from tests.support.stack import fresh_database

_LOOK_EVERY_S: Final = 0.005
_STALLED_AFTER_S: Final = 120.0
_POSITION = "select seq from positions where reader = $1 and ledger = $2 and partition = $3"


@asynccontextmanager
async def database(dsn: str) -> AsyncIterator[str]:
    """The DSN of a new database with the product's tables; it is dropped at the end."""
    fresh = await fresh_database(dsn, "bench")
    await migrate(fresh)
    yield fresh
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("drop database bench with (force)")
    finally:
        await connection.close()


async def project(reader: str, log: Log, dsn: str, records: int, *, output: Path, told: Told) -> Answer:
    """Run `assent.<reader>` until its position is the ledger's head.

    The seconds run from its first commit to its last, scaled to all `records`. Starting it is not included,
    because the COPY has no start.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("checkpoint")
        async with running(f"assent.{reader}", env=log.env(postgres=dsn), log=output) as process:
            first, started = await _moved(connection, reader, -1)
            seq, moved = first, started
            while seq < records - 1:
                seq, moved = await _moved(connection, reader, seq)
                told(seq + 1, records)
            assert seq > first, "everything came in one commit: too few records to measure"
            seconds = (moved - started) * records / (seq - first)
            return Answer(seconds=seconds, peak_mib=peak_mib(process.pid))
    finally:
        await connection.close()


async def _moved(connection: asyncpg.Connection, reader: str, before: int) -> tuple[int, float]:
    """The position's seq once it has passed `before`, and when that was seen."""
    waiting_since = time.perf_counter()
    while True:
        seq = await connection.fetchval(_POSITION, reader, LEDGER, PARTITION)
        now = time.perf_counter()
        if seq is not None and seq > before:
            return seq, now
        if now - waiting_since > _STALLED_AFTER_S:
            raise ChildFailedError(f"{reader} stands at seq {before} for {_STALLED_AFTER_S:.0f} s")
        await asyncio.sleep(_LOOK_EVERY_S)


async def copy_floor(dsn: str, folder: Path) -> float:
    """Seconds of a COPY FROM of the audit rows, from a file on the server, into an equal empty table."""
    file = _exchange(folder) / "audit.copy"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"copy audit to '{file}' (format binary)")
        await connection.execute(
            "drop table if exists audit_copy; create table audit_copy (like audit including all)"
        )
        await connection.execute("checkpoint")
        started = time.perf_counter()
        await connection.execute(f"copy audit_copy from '{file}' (format binary)")
        return time.perf_counter() - started
    finally:
        await connection.close()
        file.unlink(missing_ok=True)


def _exchange(folder: Path) -> Path:
    """A folder that Postgres can write into, although it may run as another user."""
    shared = folder / "exchange"
    shared.mkdir(exist_ok=True)
    if user_for_postgres() is not None:
        let_reach(shared / "x", lambda _line: None)
        shared.chmod(0o777)
    return shared
