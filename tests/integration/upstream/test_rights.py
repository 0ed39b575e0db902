"""The role of the upstream service can do what it must, and no other role sees what senders sent."""

import asyncpg
import pytest

_DENIED = asyncpg.InsufficientPrivilegeError


@pytest.mark.parametrize(
    "statement",
    [
        "select * from audit",
        "select * from requests",
        "select * from notification_targets",
        "select * from sessions",
        "insert into heads select * from heads",
        "delete from positions",
        "truncate upstream_events",
    ],
)
async def test_service_cannot_do_more_than_it_needs(db: asyncpg.Connection, statement: str) -> None:
    await db.execute("set role assent_upstream")
    with pytest.raises(_DENIED):
        await db.execute(statement)


async def test_service_moves_no_position_but_its_own(db: asyncpg.Connection) -> None:
    await db.execute("insert into positions values ('audit', 'assent.ledger', 0, 5, '', 0, 6)")
    await db.execute("set role assent_upstream")
    assert await db.execute("update positions set seq = 0") == "UPDATE 0"
    with pytest.raises(_DENIED):
        await db.execute("insert into positions values ('status', 'assent.ledger', 0, 5, '', 0, 6)")


@pytest.mark.parametrize(
    "role", ["assent_reader", "assent_status", "assent_audit", "assent_notify", "assent_gateway"]
)
@pytest.mark.parametrize("table", ["events", "commands", "requests", "waiters", "answers", "positions"])
async def test_no_other_service_sees_what_senders_sent(db: asyncpg.Connection, role: str, table: str) -> None:
    await db.execute(f"set role {role}")
    with pytest.raises(_DENIED):
        await db.execute(f"select * from upstream_{table}")  # noqa: S608  names of this test
