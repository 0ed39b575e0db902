"""R16: what a search finds in the audit log, and what was applied to an object before."""

from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg
import pytest
import pytest_asyncio

from assent.store import queries
from assent.store.filters import AuditFilter, RequestFilter
from assent.store.pool import open_pool
from assent.store.queries import AuditRow, RequestView
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.open_requests import submitted_payload
from assent_contracts.commands import Outcome
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.integration.readers.conftest import NEW_POLICY, read_all
from tests.support.containers import Endpoints
from tests.support.governor import ended, released
from tests.support.log import Actor, Log
from tests.support.readers import SPECS, caught_up, reading
from tests.support.stack import migrated_database

ALL = AuditFilter()
SCRIPT = "script/often.sh"


async def _often_applied(actor: Actor) -> None:
    """Two applied versions, between them one that failed, and finally one that is open."""
    outcomes: tuple[Outcome, ...] = ("succeeded", "failed", "succeeded")
    for version, outcome in enumerate(outcomes, start=1):
        request = await actor.released(SCRIPT, b'"version %d"' % version)
        await actor.claim(request)
        await actor.report(request, outcome)
    await actor.opened(SCRIPT, payload=b'"version 4"')


@pytest_asyncio.fixture(scope="module")
async def pool(
    running: Endpoints, log: Log, follower: GovernanceFollower, actor: Actor
) -> AsyncIterator[asyncpg.Pool]:
    """A reading pool on a database that has everything."""
    await _often_applied(actor)
    canceled = await actor.opened("script/once.sh")
    await actor.cancel(canceled, "bob")
    await actor.cancel(canceled)
    await actor.publisher.send_bytes(b"no command", b"script/x", [])
    await ended(log, follower, await released(actor, NEW_POLICY))
    dsn = await migrated_database(running.dsn, "search")
    heads = (await read_all(log, follower)).heads
    db = await asyncpg.connect(dsn)
    for spec in SPECS.values():
        async with reading(spec, log, dsn, f"search-{spec.reader}"):
            await caught_up(db, spec, heads)
    await db.close()
    made = await open_pool(dsn, "assent_reader", application="test")
    try:
        yield made
    finally:
        await made.close()


async def everything(pool: asyncpg.Pool, wanted: AuditFilter, page: int = 3) -> list[AuditRow]:
    """All pages of a search."""
    rows: list[AuditRow] = []
    while found := await queries.search_audit(pool, wanted, rows[-1].cursor if rows else None, page):
        assert len(found) <= page
        rows += found
    return rows


def place(row: AuditRow) -> tuple[int, int, int, int]:
    """The order of the log, over both ledgers."""
    return row.at, (LEDGER, GOVERNANCE).index(row.ledger), row.partition, row.seq


async def versions(pool: asyncpg.Pool) -> list[RequestView]:
    """The requests for the script, the oldest first."""
    wanted = RequestFilter(resource=SCRIPT)
    return sorted(await queries.list_requests(pool, wanted, ended_since_ms=0), key=lambda row: row.seq)


async def test_R16_search_pages_through_every_record_once_with_the_newest_first(pool: asyncpg.Pool) -> None:
    rows = await everything(pool, ALL)
    assert len(rows) == len({place(row) for row in rows}) == await queries.count_audit(pool)
    assert rows == sorted(rows, key=place, reverse=True)
    # Founding writes many records in one ms, so paging must not depend on the time alone.
    assert len({row.at for row in rows}) < len(rows)
    assert rows == await everything(pool, ALL, page=1_000)


FILTERS: Sequence[tuple[AuditFilter, Callable[[AuditRow], bool]]] = [
    (AuditFilter(principal="bob"), lambda row: row.principal == "bob"),
    (AuditFilter(resource=SCRIPT), lambda row: row.resource == SCRIPT),
    (
        AuditFilter(principals=["bob", "applier"]),
        lambda row: row.principal in ("bob", "applier"),
    ),
    (AuditFilter(resource_part="ONCE.S"), lambda row: "once.s" in (row.resource or "")),
    (AuditFilter(command="assent.approve.v1"), lambda row: row.command == "assent.approve.v1"),
    (AuditFilter(ledger=GOVERNANCE), lambda row: row.ledger == GOVERNANCE),
    (
        AuditFilter(principal="bob", resource="script/once.sh", refused=True, ledger=LEDGER),
        lambda row: (row.principal, row.outcome) == ("bob", "not-requester"),
    ),
]


@pytest.mark.parametrize(("wanted", "is_wanted"), FILTERS)
async def test_R16_search_finds_what_is_asked_for_and_nothing_else(
    pool: asyncpg.Pool, wanted: AuditFilter, is_wanted: Callable[[AuditRow], bool]
) -> None:
    rows = await everything(pool, ALL, page=1_000)
    found = await everything(pool, wanted)
    assert found == [row for row in rows if is_wanted(row)]
    assert 0 < len(found) < len(rows)


async def test_R16_refused_actions_can_be_told_from_decisions(pool: asyncpg.Pool) -> None:
    refused = await everything(pool, AuditFilter(refused=True))
    assert {row.outcome for row in refused} == {"not-requester", "bad-signature"}
    decided = await everything(pool, AuditFilter(refused=False))
    assert sorted([*refused, *decided], key=place, reverse=True) == await everything(pool, ALL)


async def test_R16_search_by_time_includes_its_start_and_excludes_its_end(pool: asyncpg.Pool) -> None:
    rows = await everything(pool, ALL)
    middle = rows[len(rows) // 3].at
    later = await everything(pool, AuditFilter(since_ms=middle))
    earlier = await everything(pool, AuditFilter(until_ms=middle))
    assert later + earlier == rows
    assert later[-1].at == middle
    assert await everything(pool, AuditFilter(since_ms=middle, until_ms=middle)) == []


async def test_R16_request_is_found_with_its_timeline(pool: asyncpg.Pool) -> None:
    first = (await versions(pool))[0]
    found = await everything(pool, AuditFilter(request=first.id))
    assert sorted(found, key=place) == await queries.timeline(pool, first.id)


async def test_last_applied_version_is_the_completed_one_before(pool: asyncpg.Pool) -> None:
    """Neither a failed nor a later one, whichever request is viewed."""
    requests = await versions(pool)
    assert [each.status for each in requests] == ["completed", "failed", "completed", "needs_approval"]
    found = [await queries.last_applied(pool, each) for each in requests]
    payloads = [None if row is None else bytes(submitted_payload(row.submission.record)) for row in found]
    assert payloads == [None, b'"version 1"', b'"version 1"', b'"version 3"']
    assert [row and row.submission.request for row in found] == [
        None,
        requests[0].id,
        requests[0].id,
        requests[2].id,
    ]


async def test_object_to_which_nothing_was_applied_has_no_last_version(pool: asyncpg.Pool) -> None:
    [row] = await queries.list_requests(pool, RequestFilter(resource="script/once.sh"), ended_since_ms=0)
    assert await queries.last_applied(pool, row) is None


async def test_searches_use_an_index_even_without_filters(pool: asyncpg.Pool) -> None:
    nothing = (None,) * 8
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        for name, arguments, index in (
            ("search_audit", (*nothing, None, None, None, None, None, None, 10), "audit_by_time"),
            ("search_audit", (*nothing, 5, LEDGER, 0, 7, None, None, 10), "audit_by_time"),
            (
                "search_audit",
                ("bob", *nothing[1:], None, None, None, None, None, None, 10),
                "audit_by_principal",
            ),
            ("last_applied", ("script/x", 0, 7), "requests_by_resource"),
        ):
            plan = [line[0] for line in await connection.fetch(f"explain {queries._SQL[name]}", *arguments)]
            assert any(index in line for line in plan), plan


async def test_page_of_the_newest_records_is_read_from_the_index_without_sorting(
    pool: asyncpg.Pool,
) -> None:
    arguments = (*(None,) * 8, 5, LEDGER, 0, 7, None, None, 10)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        sql = f"explain {queries._SQL['search_audit']}"
        plan = [line[0] for line in await connection.fetch(sql, *arguments)]
    assert any("Index Scan Backward using audit_by_time" in line for line in plan), plan
    assert not any("Sort" in line for line in plan), plan
