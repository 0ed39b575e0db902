"""R29: the queries for a set's members scan no other requests, and find no false members."""

import asyncpg
import msgspec

from assent.store import queries, set_queries
from assent_contracts.set_members import SetMember
from tests.bench.many_requests import fill

MANY = 50_000
SET = "0-7"


async def test_R29_members_of_a_set_are_read_from_an_index_among_many_requests(
    dsn: str, db: asyncpg.Connection
) -> None:
    """With the planner free to choose: a set of 1,000, whose members are as old as any other request."""
    await fill(dsn, MANY, lambda _done, _of: None)
    await db.execute(
        "update requests set details = jsonb_build_object('part_of', '0-7') where seq % $1 = 0",
        MANY // 1_000,
    )
    await db.execute("vacuum analyze requests")
    newest_first = (None, None, None, None, None, 0, None, None, None, 50, None, None, None, None, SET)
    objects = [f"script/object-{number}" for number in range(1_000)]
    of_set = (SET, "someone", objects, ["edit"] * 1_000, ["0" * 64] * 1_000)
    # As `pool` sets it for every connection.
    await db.execute("set plan_cache_mode = force_custom_plan")
    for sql, arguments in (
        (queries._SQL["list_requests"], newest_first),
        (set_queries._SQL["members_of_set"], of_set),
    ):
        plan = [line[0] for line in await db.fetch(f"explain {sql}", *arguments)]
        assert any("requests_by_set" in line for line in plan), plan
        assert not any("Seq Scan on requests" in line for line in plan), plan


async def test_R29_a_request_that_only_names_a_set_is_not_its_member(
    dsn: str, db: asyncpg.Connection
) -> None:
    """A later one of the same object, another account's, and one with another content."""
    await fill(dsn, 5, lambda _done, _of: None)
    rows = await db.fetch("select seq, resource, operation, requester, digest from requests order by seq")
    for row in rows:
        await db.execute(
            "update requests set resource = $2, requester = 'alice', details = $3 where seq = $1",
            row["seq"],
            "script/listed" if row["seq"] < 4 else "script/other",
            f'{{"part_of": "{SET}"}}',
        )
    await db.execute("update requests set requester = 'mallory' where seq = 0")
    await db.execute("update requests set digest = $1 where seq = 1", "f" * 64)
    listed = SetMember(resource="script/listed", operation=rows[0]["operation"], digest=rows[0]["digest"])
    changed = msgspec.structs.replace(listed, operation="delete")
    found = await set_queries.members_of_set(db, SET, "alice", [listed])
    assert [each.id for each in found] == ["0-2"]
    assert await set_queries.members_of_set(db, SET, "alice", [changed]) == []
    assert await set_queries.members_of_set(db, "0-8", "alice", [listed]) == []
