"""R16: the audit log has every record of both ledgers, byte for byte, and nothing can change it."""

import asyncpg
import pytest

from assent.store.pool import DatabaseRole, open_pool
from assent_contracts.digests import sha256_hex
from tests.integration.readers.conftest import Written
from tests.support.log import Log
from tests.support.readers import SPECS, caught_up, reading

AUDIT = SPECS["audit"]


async def fill(log: Log, dsn: str, db: asyncpg.Connection, written: Written, group: str) -> None:
    async with reading(AUDIT, log, dsn, group):
        await caught_up(db, AUDIT, written.heads)


async def test_r16_every_accepted_record_of_both_ledgers_is_there_byte_for_byte_and_no_other(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    await fill(log, dsn, db, written, group)
    rows = await db.fetch("select *, record::text as text from audit order by ledger, partition, seq")
    found = {(row["ledger"], row["partition"], row["seq"]): row for row in rows}
    expected = {(*place, each.record.seq): each for place, run in written.accepted.items() for each in run}
    assert found.keys() == expected.keys()
    for key, each in expected.items():
        row = found[key]
        assert row["text"].encode() == each.value
        assert row["value_sha256"] == each.value_sha256 == sha256_hex(row["text"].encode())
        assert (row["ledger_offset"], row["at"]) == (each.offset, each.record.at)


async def test_r16_row_states_what_it_is_about(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str
) -> None:
    await fill(log, dsn, db, written, group)
    told = {
        tuple(row)
        for row in await db.fetch(
            "select principal, command, outcome from audit where ledger = 'assent.ledger'"
        )
    }
    approved = "assent.approval-given.v1, assent.request-approved.v1"
    for row in (
        ("device-config", "assent.submit-change.v1", "assent.change-submitted.v1"),
        ("device-config", "assent.submit-change.v1", "resource-locked"),
        ("bob", "assent.approve.v1", approved),
        ("bob", "assent.approve.v1", "not-pending"),
        ("bob", "assent.cancel.v1", "not-requester"),
        (None, None, "bad-signature"),
    ):
        assert row in told
    without = await db.fetch(
        "select distinct outcome from audit where request is null and command is not null"
    )
    assert {row["outcome"] for row in without if not row["outcome"].startswith("assent.")} == {
        "resource-locked"
    }
    founded = await db.fetchrow("select * from audit where ledger = 'assent.governance' and seq = 0")
    assert founded is not None
    assert founded["value_sha256"] == log.identity
    assert (founded["outcome"], founded["principal"]) == ("assent.log-founded.v1", "founder")
    changed = await db.fetch("select command, outcome from audit where ledger = 'assent.governance'")
    assert ("assent.create-policy.v1", "assent.policy-created.v1") in {tuple(row) for row in changed}


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set outcome = 'x'",
        "update audit set outcome = 'x' where false",
        "delete from audit",
        "truncate audit",
        "truncate audit cascade",
        "insert into audit table audit on conflict (ledger, partition, seq) do update set outcome = 'x'",
        "merge into audit using (select 1) as one on true when matched then delete",
        "set session_replication_role = replica; delete from audit",
    ],
)
async def test_r16_even_the_owner_cannot_change_a_row(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str, statement: str
) -> None:
    await db.execute(
        "insert into audit values ('assent.ledger', 0, 0, 0, 0, null, null, null, null, 'x', 'x', '{}')"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=r"append-only: [A-Z]+ is refused"):
        await db.execute(statement)
    assert await db.fetchval("select count(*) from audit where outcome = 'x'") == 1


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("assent_audit", "update audit set outcome = 'x'"),
        ("assent_audit", "delete from audit"),
        ("assent_audit", "truncate audit"),
        ("assent_audit", "alter table audit disable trigger append_only"),
        ("assent_audit", "drop table audit"),
        ("assent_audit", "select * from requests"),
        ("assent_audit", "delete from positions"),
        ("assent_audit", "insert into positions values ('status', 'assent.ledger', 9, -1, '', -1, 0)"),
        ("assent_audit", "update log set identity = 'x'"),
        ("assent_status", "select * from audit"),
        ("assent_status", "insert into audit default values"),
        ("assent_status", "delete from requests"),
        ("assent_status", "insert into positions values ('audit', 'assent.ledger', 9, -1, '', -1, 0)"),
        ("assent_reader", "insert into audit default values"),
        ("assent_reader", "update requests set status = 'approved'"),
        ("assent_reader", "update positions set seq = 0"),
    ],
)
async def test_role_can_do_no_more_than_its_work(dsn: str, role: DatabaseRole, statement: str) -> None:
    pool = await open_pool(dsn, role, application="test")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    finally:
        await pool.close()


async def test_role_cannot_see_or_move_the_position_of_another_reader(
    dsn: str, db: asyncpg.Connection
) -> None:
    await db.execute("insert into positions values ('status', 'assent.ledger', 0, 5, 'x', 0, 6)")
    pool = await open_pool(dsn, "assent_audit", application="test")
    try:
        assert await pool.fetch("select * from positions") == []
        assert await pool.execute("update positions set seq = 9") == "UPDATE 0"
    finally:
        await pool.close()
    assert await db.fetchval("select seq from positions") == 5
