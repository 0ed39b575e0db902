"""R7, R13: the table of requests contains the sum of the events, with texts unchanged."""

import asyncpg
import msgspec

from assent.observe import metrics
from assent.status.open_figures import count
from assent.store.pool import open_pool
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.replay import replay
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.ledger import decode_events
from assent_contracts.topics import LEDGER
from tests.integration.readers.conftest import AWKWARD, Written
from tests.support.log import PARTITIONS, Log
from tests.support.metric_values import value
from tests.support.readers import SPECS, caught_up, reading

STATUS = SPECS["status"]

Counted = tuple[str, str | None, int | None, frozenset[str]]
"""Status, progress, deadline, approvers."""


def recount(written: Written) -> dict[str, Counted]:
    """Each request's state according to the deciders' own state, without the reader's code."""
    counted: dict[str, Counted] = {}
    for partition in range(PARTITIONS):
        state = PartitionState(partition)
        approvers: dict[int, frozenset[str]] = {}
        for each in written.accepted[(LEDGER, partition)]:
            replay(state, each.record)
            for seq, request in state.requests.items():
                if isinstance(request, NeedsApproval | Approved):
                    approvers[seq] = frozenset(approval.approver for approval in request.approvals)
        for seq, request in state.requests.items():
            counted[f"{partition}-{seq}"] = (*_state(request), approvers.get(seq, frozenset()))
    return counted


def _state(request: Request) -> tuple[str, str | None, int | None]:
    match request:
        case NeedsApproval(deadline=deadline):
            return "needs_approval", None, deadline
        case Approved(deadline=deadline):
            return "approved", None, deadline
        case Released(deadline=deadline):
            return "approved", "released", deadline
        case Applying(deadline=deadline):
            return "approved", "applying", deadline
        case Unsettled():
            return "approved", "unknown", None
        case Closed(status=status):
            return status, None, None


async def counted_rows(db: asyncpg.Connection) -> dict[str, Counted]:
    rows = await db.fetch("select id, status, progress, deadline, approvals from requests")
    return {
        row["id"]: (
            row["status"],
            row["progress"],
            row["deadline"],
            frozenset(approval["approver"] for approval in msgspec.json.decode(row["approvals"])),
        )
        for row in rows
    }


async def test_r13_table_equals_an_independent_recount(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    async with reading(STATUS, log, dsn, group):
        await caught_up(db, STATUS, written.heads)
    rows = await counted_rows(db)
    assert rows == recount(written)
    states = {(status, progress) for status, progress, _, _ in rows.values()}
    assert states == {
        ("needs_approval", None),
        ("approved", None),
        ("approved", "unknown"),
        ("completed", None),
        ("failed", None),
        ("rejected", None),
        ("canceled", None),
    }


async def test_figures_of_what_is_open_equal_an_independent_recount(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    async with reading(STATUS, log, dsn, group):
        await caught_up(db, STATUS, written.heads)
    states = [each[:2] for each in recount(written).values()]
    opened = [status for status, _ in states if status in ("needs_approval", "approved")]
    pool = await open_pool(dsn, "assent_status", application="tests", size=1)
    try:
        await count(pool)
        assert {age: value(metrics.OPEN_REQUESTS_OLDER, seconds=age) for age in ("0", "3600", "604800")} == {
            "0": len(opened),
            "3600": 0,
            "604800": 0,
        }
        assert value(metrics.UNSETTLED) == states.count(("approved", "unknown")) > 0
        assert value(metrics.UNCLAIMED_SECONDS) == 0
        assert value(metrics.OPEN_FINDINGS) == 0
        released_at, longer_ms = now_ms() - 60_000, 700_000_000
        await db.execute(
            "update requests set submitted_at = submitted_at - $2, progress = 'released', changed_at = $1"
            " where id = (select id from requests where status = 'approved' and progress is null limit 1)",
            released_at,
            longer_ms,
        )
        await count(pool)
        assert value(metrics.OPEN_REQUESTS_OLDER, seconds="604800") == 1
        assert 60 <= (value(metrics.UNCLAIMED_SECONDS) or 0) < 160
        # A set is not claimed, but its members are.
        await db.execute("""update requests set details = '{"members": 2}' where progress = 'released'""")
        await count(pool)
        assert value(metrics.UNCLAIMED_SECONDS) == 0
    finally:
        await pool.close()


async def test_r6_r8_justifications_and_notes_are_stored_unchanged(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    async with reading(STATUS, log, dsn, group):
        await caught_up(db, STATUS, written.heads)
    rejected = await db.fetchrow("select * from requests where resource = 'script/rejected-3.sh'")
    assert rejected is not None
    assert rejected["justification"] == AWKWARD
    assert (rejected["rejecter"], rejected["rejection_note"]) == ("bob", AWKWARD)
    [rejection] = msgspec.json.decode(rejected["rejections"])
    assert (rejection["approver"], rejection["note"]) == ("bob", AWKWARD)
    approved = await db.fetchrow("select * from requests where resource = 'script/approved-3.sh'")
    assert approved is not None
    [approval] = msgspec.json.decode(approved["approvals"])
    assert (approval["approver"], approval["person"], approval["note"]) == ("bob", "bob.ortega", "Fine.")
    assert approved["submitted_at"] <= approval["at"] == approved["changed_at"]


async def test_every_row_names_the_last_record_that_changed_it(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    async with reading(STATUS, log, dsn, group):
        await caught_up(db, STATUS, written.heads)
    last: dict[str, tuple[int, int]] = {}
    for run in written.accepted.values():
        for each in run:
            if each.record.governance is msgspec.UNSET:
                continue
            for event in decode_events(each.record):
                if request := getattr(event, "request", None):
                    last[request] = (each.record.seq, each.record.at)
    rows = await db.fetch("select id, last_seq, changed_at from requests")
    assert {row["id"]: (row["last_seq"], row["changed_at"]) for row in rows} == last
