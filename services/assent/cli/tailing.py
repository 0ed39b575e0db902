"""`assent audit tail`."""

import asyncio
from collections.abc import Coroutine, Iterable

import asyncpg

from assent.cli import output
from assent.cli.formatting import print_audit
from assent.cli.interrupts import stop_on_signals
from assent.cli.log_access import LogAccess, Server, following, governance_of, reading, way
from assent.cli.lost_rows import tell_lost_rows
from assent.cli.options import Options, Sender
from assent.reading.entries import Entry, audit_entry
from assent.store.pool import Executor
from assent.store.queries import LedgerName, Places, audit_tail, heads, last_places
from assent_contracts.client.ending import end
from assent_contracts.topics import GOVERNANCE, LEDGER

_FOLLOW_S = 0.3
_RETRY_S = 1.0


def tail(limit: int, *, follow: bool, sender: Sender, options: Options) -> None:
    """Print, and go on with `follow` until Ctrl-C, which is how it ends."""
    to = way(sender, options)
    if isinstance(to, Server):
        _tail_once(to, limit, follow=follow, as_json=options.json)
        return
    asyncio.run(_until_stopped(_tail(to, limit, follow=follow, as_json=options.json)))


def _tail_once(to: Server, limit: int, *, follow: bool, as_json: bool) -> None:
    from assent.cli import server

    if follow:
        output.fail("--follow reads the tables themselves; with --server look at the console's live pages.")
    _print(asyncio.run(server.audit(to, limit)), as_json=as_json)


async def _until_stopped(tailing: Coroutine[None, None, None]) -> None:
    stop = stop_on_signals()
    tasks = asyncio.create_task(tailing), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        # For sure: a query that ends at this very moment can swallow the one cancellation of asyncio.run.
        await end(*tasks)


async def _tail(to: LogAccess, limit: int, *, follow: bool, as_json: bool) -> None:
    async with reading(to) as db:
        await tell_lost_rows(to, db)
        # Where it goes on is settled first: what comes in between is printed once, and not left out.
        places = await _places(to, db) if follow else {}
        rows = await audit_tail(db, None, limit)
        if follow:
            rows = [row for row in rows if row.seq <= places[(row.ledger, row.partition)]]
        _print(map(audit_entry, rows), as_json=as_json)
        away = False
        while follow:
            try:
                rows = await audit_tail(db, places, limit)
                away = False
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if not away:
                    output.tell("Postgres is away; this goes on when it is back.")
                away = True
                await asyncio.sleep(_RETRY_S)
                continue
            places = last_places(rows, places)
            _print(map(audit_entry, rows), as_json=as_json)
            if not rows:
                await asyncio.sleep(_FOLLOW_S)


async def _places(to: LogAccess, db: Executor) -> Places:
    async with following(to) as follower:
        partitions = governance_of(follower).partitions
    places: dict[tuple[LedgerName, int], int] = {(GOVERNANCE, 0): -1}
    places |= {(LEDGER, number): -1 for number in range(partitions)}
    for ledger in (GOVERNANCE, LEDGER):
        places |= {(ledger, number): head.seq for number, head in (await heads(db, "audit", ledger)).items()}
    return places


def _print(entries: Iterable[Entry], *, as_json: bool) -> None:
    if not as_json:
        print_audit(entries)
        return
    for entry in entries:
        output.print_json_line(entry)
