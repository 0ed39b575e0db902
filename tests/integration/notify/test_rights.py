"""The role of the notify service can do what it must, and no other role sees people's targets."""

import asyncpg
import pytest

from assent.targets.own_targets import add_target

_DENIED = asyncpg.InsufficientPrivilegeError


@pytest.mark.parametrize(
    "statement",
    [
        "update notification_targets set url = 'https://evil.example.com/'",
        "update notification_targets set secret = 'x'",
        "update notification_targets set enabled = true",
        "insert into notification_targets (principal, kind, url) values ('x', 'apprise', 'slack://')",
        "delete from notification_targets",
        "select * from audit",
        "select * from requests",
        "update notification_requests set requester = 'x'",
        "delete from positions",
        "insert into notification_tests (target) values (gen_random_uuid())",
        "update notification_tests set target = gen_random_uuid()",
    ],
)
async def test_R17_service_cannot_do_more_than_it_needs(db: asyncpg.Connection, statement: str) -> None:
    await db.execute("set role assent_notify")
    with pytest.raises(_DENIED):
        await db.execute(statement)


async def test_R17_service_moves_no_position_but_its_own(db: asyncpg.Connection) -> None:
    await db.execute("insert into positions values ('audit', 'assent.ledger', 0, 5, '', 0, 6)")
    await db.execute("set role assent_notify")
    assert await db.execute("update positions set seq = 0") == "UPDATE 0"
    assert await db.fetch("select * from positions") == []
    with pytest.raises(_DENIED):
        await db.execute("insert into positions values ('status', 'assent.ledger', 0, 5, '', 0, 6)")


@pytest.mark.parametrize("role", ["assent_reader", "assent_status", "assent_audit"])
@pytest.mark.parametrize(
    "table", ["notification_targets", "notifications", "notification_requests", "notification_tests"]
)
async def test_R17_no_other_service_sees_the_notification_targets(
    db: asyncpg.Connection, role: str, table: str
) -> None:
    await add_target(db, "bob", "webhook", "https://hooks.example.com/")
    await db.execute(f"set role {role}")
    with pytest.raises(_DENIED):
        await db.execute(f"select * from {table}")  # noqa: S608  names of this test


@pytest.mark.parametrize(
    "statement",
    [
        "insert into notification_tests (target, status) values (gen_random_uuid(), 'sent')",
        "update notification_tests set status = 'sent'",
        "delete from notification_tests",
        "insert into notifications (request) values ('')",
        "select * from notification_requests",
    ],
)
async def test_R17_the_gateway_asks_for_a_test_and_writes_no_message_and_no_outcome(
    db: asyncpg.Connection, statement: str
) -> None:
    await db.execute("set role assent_gateway")
    with pytest.raises(_DENIED):
        await db.execute(statement)
