"""Follow the audit table of a log as new records arrive."""

import asyncio
from collections.abc import Callable, Iterable

import asyncpg

from assent.cli import output
from assent.cli.connection.log_access import LogAccess, following_governance, governance_of, reading_tables
from assent.cli.connection.lost_rows import warn_of_lost_rows
from assent.cli.stop_signals import stop_on_signals
from assent.reading.audit_entries import AuditEntry, audit_entry
from assent.store.pool import Executor
from assent.store.queries import LedgerTopic, Places, audit_tail, last_places, projected_heads
from assent_contracts.client.task_end import end
from assent_contracts.topics import GOVERNANCE, LEDGER

_FOLLOW_S = 0.3
_RETRY_S = 1.0
EntryPrinter = Callable[[Iterable[AuditEntry]], None]


async def follow_audit(access: LogAccess, limit: int, print_entries: EntryPrinter) -> None:
    """Print the latest `limit` records and then each new one, until Ctrl-C ends it."""
    stop = stop_on_signals()
    tasks = asyncio.create_task(_follow(access, limit, print_entries)), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        # A query that ends at this very moment can swallow the only cancellation that asyncio.run sends.
        await end(*tasks)


async def _follow(access: LogAccess, limit: int, print_entries: EntryPrinter) -> None:
    async with reading_tables(access) as db:
        await warn_of_lost_rows(access, db)
        # The positions are read first, so that a record that arrives in between is printed exactly once.
        places = await _places(access, db)
        rows = await audit_tail(db, None, limit)
        print_entries(audit_entry(row) for row in rows if row.seq <= places[(row.ledger, row.partition)])
        away = False
        while True:
            try:
                rows = await audit_tail(db, places, limit)
                away = False
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if not away:
                    output.print_progress("Postgres cannot be reached. This continues when it is back.")
                away = True
                await asyncio.sleep(_RETRY_S)
                continue
            places = last_places(rows, places)
            print_entries(map(audit_entry, rows))
            if not rows:
                await asyncio.sleep(_FOLLOW_S)


async def _places(access: LogAccess, db: Executor) -> Places:
    async with following_governance(access) as follower:
        partitions = governance_of(follower).partitions
    places: dict[tuple[LedgerTopic, int], int] = {(GOVERNANCE, 0): -1}
    places |= {(LEDGER, number): -1 for number in range(partitions)}
    for ledger in (GOVERNANCE, LEDGER):
        places |= {
            (ledger, number): head.seq
            for number, head in (await projected_heads(db, "audit", ledger)).items()
        }
    return places
