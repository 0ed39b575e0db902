"""`assent audit tail`."""

import asyncio
from collections.abc import Sequence

import asyncpg

from assent.cli import output
from assent.cli.options import Options
from assent.cli.reach import Reach, following, governance_of, reach, reading
from assent.cli.views import audit_entry, print_audit
from assent.store.pool import Executor
from assent.store.queries import AuditRow, LedgerName, Places, audit_tail, heads, last_places
from assent_contracts.topics import GOVERNANCE, LEDGER

_FOLLOW_S = 0.3
_RETRY_S = 1.0


def tail(limit: int, *, follow: bool, options: Options) -> None:
    """Print, and go on with `follow` until Ctrl-C, which is how it ends."""
    try:
        asyncio.run(_tail(reach(options), limit, follow=follow, as_json=options.json))
    except KeyboardInterrupt:
        return


async def _tail(to: Reach, limit: int, *, follow: bool, as_json: bool) -> None:
    async with reading(to) as db:
        # Where it goes on is settled first: what comes in between is printed once, and not left out.
        places = await _places(to, db) if follow else {}
        rows = await audit_tail(db, None, limit)
        if follow:
            rows = [row for row in rows if row.seq <= places[(row.ledger, row.partition)]]
        _print(rows, as_json=as_json)
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
            _print(rows, as_json=as_json)
            if not rows:
                await asyncio.sleep(_FOLLOW_S)


async def _places(to: Reach, db: Executor) -> Places:
    async with following(to) as follower:
        partitions = governance_of(follower).partitions
    places: dict[tuple[LedgerName, int], int] = {(GOVERNANCE, 0): -1}
    places |= {(LEDGER, number): -1 for number in range(partitions)}
    for ledger in (GOVERNANCE, LEDGER):
        places |= {(ledger, number): head.seq for number, head in (await heads(db, "audit", ledger)).items()}
    return places


def _print(rows: Sequence[AuditRow], *, as_json: bool) -> None:
    if not as_json:
        print_audit(rows)
        return
    for row in rows:
        output.print_json_line(audit_entry(row))
