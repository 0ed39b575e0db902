"""The queries of the console and the CLI: lists, one request, its history, the log's tail."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from assent.store import queries
from assent.store.pool import open_pool
from assent.store.queries import RequestFilter, RequestView
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.events import Status
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.integration.readers.conftest import AWKWARD, PAYLOAD, Written, read_all
from tests.support.containers import Endpoints
from tests.support.log import Log
from tests.support.readers import SPECS, caught_up, reading
from tests.support.stack import migrated_database

ALL = RequestFilter()
OPEN = ("needs_approval", "approved")
FUTURE_MS = 1 << 52


@pytest_asyncio.fixture(scope="module")
async def whole(story: None, log: Log, follower: GovernanceFollower) -> Written:
    """The ledgers, to which nothing is added in this module."""
    return await read_all(log, follower)


@pytest_asyncio.fixture(scope="module")
async def pool(running: Endpoints, log: Log, whole: Written) -> AsyncIterator[asyncpg.Pool]:
    """A reading pool on a database that has everything."""
    dsn = await migrated_database(running.dsn, "queries")
    db = await asyncpg.connect(dsn)
    for spec in SPECS.values():
        async with reading(spec, log, dsn, f"queries-{spec.reader}"):
            await caught_up(db, spec, whole.heads)
    await db.close()
    made = await open_pool(dsn, "assent_reader", application="test")
    try:
        yield made
    finally:
        await made.close()


async def everything(pool: asyncpg.Pool, wanted: RequestFilter, page: int = 7) -> list[RequestView]:
    """All pages of a list."""
    rows: list[RequestView] = []
    while found := await queries.list_requests(
        pool, wanted, ended_since_ms=0, after=rows[-1].cursor if rows else None, limit=page
    ):
        assert len(found) <= page
        rows += found
    return rows


async def test_r7_lists_page_through_every_request_once_with_the_newest_change_first(
    pool: asyncpg.Pool,
) -> None:
    rows = await everything(pool, ALL)
    assert len({row.id for row in rows}) == len(rows) == 8 * 7 + 1
    assert rows == sorted(rows, key=lambda row: (row.changed_at, row.partition, row.seq), reverse=True)
    assert rows == await everything(pool, ALL, page=1_000)


async def test_r7_requesters_see_their_own_and_approvers_what_their_groups_receive(
    pool: asyncpg.Pool,
) -> None:
    rows = await everything(pool, ALL)
    others = [row for row in rows if row.resource_type != "access-policy"]
    assert await everything(pool, RequestFilter(person="service:device-config")) == others
    assert await everything(pool, RequestFilter(requester="device-config")) == others
    assert await everything(pool, RequestFilter(person="bob.ortega")) == []
    named = {row.id: {name for terms in row.terms for r in terms.rules for name in r.groups} for row in rows}
    for group in set().union(*named.values()):
        received = await everything(pool, RequestFilter(groups=[group, "no-such-group"]))
        assert received == [row for row in rows if group in named[row.id]]
    assert await everything(pool, RequestFilter(groups=[])) == []


async def test_r13_lists_by_status_and_by_object(pool: asyncpg.Pool) -> None:
    rows = await everything(pool, ALL)
    statuses: set[Status] = {row.status for row in rows}
    for status in statuses:
        assert await everything(pool, RequestFilter(statuses=[status])) == [
            row for row in rows if row.status == status
        ]
    [rejected] = await everything(pool, RequestFilter(resource="script/rejected-3.sh"))
    assert (rejected.status, rejected.justification, rejected.rejection_note) == (
        "rejected",
        AWKWARD,
        AWKWARD,
    )
    [rejection] = rejected.rejections
    assert (rejection.approver, rejection.note) == (rejected.rejecter, AWKWARD)
    assert (rejected.resource_type, rejected.operation) == ("script", "create")
    counted = {(each.status, each.progress): each.requests for each in await queries.status_counts(pool)}
    assert counted == {key: sum((row.status, row.progress) == key for row in rows) for key in counted}
    assert sum(counted.values()) == len(rows)


async def test_r14_ended_requests_are_listed_for_a_while_and_open_ones_always(pool: asyncpg.Pool) -> None:
    rows = await everything(pool, ALL)
    later = await queries.list_requests(pool, ALL, ended_since_ms=FUTURE_MS, limit=1_000)
    assert later == [row for row in rows if row.status in OPEN]
    ended = next(row for row in rows if row.status not in OPEN)
    assert await queries.show_request(pool, ended.id) == ended


async def test_unknown_request_is_none(pool: asyncpg.Pool) -> None:
    for request in ("0-999999", "9999-0", "", "0", "0-0'; drop table requests", "x-1"):
        assert await queries.show_request(pool, request) is None


async def test_r16_timeline_shows_a_request_from_submission_to_its_end(
    pool: asyncpg.Pool, whole: Written
) -> None:
    [canceled] = await everything(pool, RequestFilter(resource="script/canceled-3.sh"))
    told = [(row.principal, row.command, row.outcome) for row in await queries.timeline(pool, canceled.id)]
    assert told == [
        ("device-config", "assent.submit-change.v1", "assent.change-submitted.v1"),
        ("bob", "assent.cancel.v1", "not-requester"),
        ("device-config", "assent.cancel.v1", "assent.request-canceled.v1"),
    ]
    [done] = await everything(pool, RequestFilter(resource="script/done-3.sh"))
    first = (await queries.timeline(pool, done.id))[0]
    assert first.record in {each.value for run in whole.accepted.values() for each in run}
    command = decode_recorded_command(decode_record(first.record))
    assert isinstance(command, RecordedCommand)
    assert PAYLOAD in bytes(command.value)


async def test_r16_timeline_of_a_governance_change_shows_what_carried_it_out(
    pool: asyncpg.Pool,
) -> None:
    [changed] = await everything(pool, RequestFilter(resource="access-policy/reports"))
    assert (changed.status, changed.progress, changed.reporter) == ("completed", None, "assent")
    assert changed.applier is None
    told = [(row.ledger, row.principal, row.outcome) for row in await queries.timeline(pool, changed.id)]
    assert told == [
        (LEDGER, "alice-admin", "assent.change-submitted.v1"),
        (LEDGER, "bob", "assent.approval-given.v1, assent.request-approved.v1"),
        (LEDGER, "alice-admin", "assent.change-released.v1"),
        (GOVERNANCE, "alice-admin", "assent.policy-created.v1, assent.release-carried-out.v1"),
        (LEDGER, None, "assent.request-completed.v1"),
    ]


async def test_r16_tail_misses_nothing_whatever_the_page(pool: asyncpg.Pool, whole: Written) -> None:
    everything_there = {
        (*place, each.record.seq): each.value for place, run in whole.accepted.items() for each in run
    }
    places: queries.Places = {**{(LEDGER, partition): -1 for partition in range(4)}, (GOVERNANCE, 0): -1}
    seen: dict[tuple[str, int, int], bytes] = {}
    while rows := await queries.audit_tail(pool, places, limit=9):
        seen |= {(row.ledger, row.partition, row.seq): row.record for row in rows}
        places = queries.last_places(rows, places)
    assert seen == everything_there
    last = await queries.audit_tail(pool, None, limit=12)
    assert len(last) == 12
    assert [row.at for row in last] == sorted(row.at for row in last)
    assert last[-1].at == max(each.record.at for run in whole.accepted.values() for each in run)


async def test_heads_are_the_accepted_heads(pool: asyncpg.Pool, whole: Written) -> None:
    heads = await queries.projected_heads(pool)
    assert heads == {place[1]: head for place, head in whole.heads.items() if place[0] == LEDGER}
    assert await queries.projected_heads(pool, "audit", GOVERNANCE) == {0: whole.heads[(GOVERNANCE, 0)]}


async def test_lists_use_an_index_even_without_filters(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        for name, arguments, index in (
            ("list_requests", ("someone", None, None, None, None), "requests_by_person"),
            ("list_requests", (None, None, None, None, "script/x"), "requests_by_resource"),
            ("list_requests", (None, None, None, None, None), "requests_by_change"),
            ("list_oldest_requests", (None, None, None, OPEN, None), "requests_open"),
        ):
            no_more = (0, None, None, None, 10, None, None, None, None, None)
            plan = await connection.fetch(f"explain {queries._SQL[name]}", *arguments, *no_more)
            assert any(index in line["QUERY PLAN"] for line in plan), plan
