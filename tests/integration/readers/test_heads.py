"""Heads in Postgres: false rows displace no honest ones, and nobody can make it forget all at once."""

from typing import Final

import asyncpg
import pytest

from assent.cli.diagnosis.log_checks import stored_finding
from assent.store.stored_heads import drop_false_heads, keep_heads, sift_database, stored_heads
from assent_contracts.client.heads_topic import signed_head
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.heads import KeptHead, SignedHead

IDENTITY: Final = "1d" * 32
ME: Final = SecretKey("writer-1", "decider", bytes(range(32)))
THIEF: Final = SecretKey("writer-1", "decider", bytes(range(1, 33)))
"""The name of a writer with another key."""
WRITERS: Final = {ME.id: ME.public_key}
LAST: Final = 2**63 - 1


def signed(key: SecretKey, seq: int, *, era: str = "") -> tuple[SignedHead, KeptHead]:
    head = SignedHead(
        ledger="ledger",
        partition=0,
        seq=seq,
        sha256="a" * 64,
        next_offset=seq + 1,
        next_input=1,
        at=1,
        epoch=1,
        era=era,
    )
    return head, signed_head(key, IDENTITY, head)


async def newest(dsn: str) -> NewestHeads:
    found = NewestHeads()
    await sift_database(dsn, found, IDENTITY, WRITERS)
    return found


@pytest.fixture
async def status(db: asyncpg.Connection) -> asyncpg.Connection:
    """As the status service, or an attacker with its credentials."""
    await db.execute("set role assent_status")
    return db


async def stand(db: asyncpg.Connection) -> list[int]:
    return [row["seq"] for row in await db.fetch("select seq from heads order by seq")]


async def slip_in(db: asyncpg.Connection, *heads: tuple[SignedHead, KeptHead]) -> None:
    """Insert rows as an attacker with the service's credentials would."""
    rows = [(kept.value, kept.writer, kept.seal) for _, kept in heads]
    await db.executemany("insert into heads (value, writer, seal) values ($1, $2, $3)", rows)


async def make_older(db: asyncpg.Connection, seq: int, days: int) -> None:
    """As if the row had been kept this many days ago."""
    await db.execute("reset role")
    await db.execute("alter table heads disable trigger heads_are_not_changed")
    await db.execute(
        "update heads set kept_at = kept_at - make_interval(days => $2) where seq = $1", seq, days
    )
    await db.execute("alter table heads enable trigger heads_are_not_changed")
    await db.execute("set role assent_status")


async def test_false_rows_displace_no_honest_head(dsn: str, status: asyncpg.Connection) -> None:
    await slip_in(status, signed(THIEF, LAST), signed(THIEF, LAST - 1))
    honest = signed(ME, 41)
    await keep_heads(status, [honest])
    found = await newest(dsn)
    assert found.heads() == [honest]
    assert found.false == 2


async def test_row_can_be_neither_changed_nor_partly_invented(dsn: str, status: asyncpg.Connection) -> None:
    honest = signed(ME, 41)
    await keep_heads(status, [honest])
    await status.execute("reset role")
    for change in ("update heads set value = 'x'", "update heads set seq = seq", "truncate heads"):
        with pytest.raises(asyncpg.RaiseError, match="added and never changed"):
            await status.execute(change)
    insert = "insert into heads (value, writer, seal, seq, era) values ($1, $2, $3, 7, 'another')"
    with pytest.raises(asyncpg.DataError):
        await status.execute(insert, "x", ME.id, honest[1].seal)
    # The values of the columns are computed from the signed value.
    head, kept = signed(ME, 42)
    await status.execute(insert, kept.value, kept.writer, kept.seal)
    assert (await newest(dsn)).heads() == [(head, kept)]
    assert await status.fetchval("select era from heads where seq = 42") == ""


async def test_old_heads_are_deleted_and_the_first_of_each_day_is_kept(
    dsn: str, status: asyncpg.Connection
) -> None:
    for seq in (1, 2, 3):
        await keep_heads(status, [signed(ME, seq)])
    assert await stand(status) == [1, 3]
    assert [head.seq for head, _ in (await newest(dsn)).heads()] == [3]
    # An attacker with the service's credentials cannot have it forgotten either.
    await slip_in(status, signed(THIEF, LAST))
    await status.execute("delete from heads")
    assert await stand(status) == [1]


async def test_first_head_is_deleted_once_another_has_been_there_for_a_week(
    status: asyncpg.Connection,
) -> None:
    await keep_heads(status, [signed(ME, 1)])
    await make_older(status, 1, 30)
    await keep_heads(status, [signed(ME, 2)])
    assert await stand(status) == [1, 2]
    await make_older(status, 2, 6)
    await keep_heads(status, [signed(ME, 3)])
    assert await stand(status) == [1, 2, 3]
    await make_older(status, 2, 2)
    await keep_heads(status, [signed(ME, 4)])
    assert await stand(status) == [2, 3, 4]


async def test_false_rows_are_deleted_and_the_others_stay(dsn: str, status: asyncpg.Connection) -> None:
    honest, stranger = signed(ME, 1), signed(SecretKey("writer-9", "decider"), 5)
    await keep_heads(status, [honest])
    await slip_in(status, stranger, *(signed(THIEF, LAST - number) for number in range(700)))
    assert await drop_false_heads(status, IDENTITY, WRITERS) == 700
    kept = await stored_heads(dsn)
    # Governance may list the stranger's key soon.
    assert sorted(each.writer for each in kept) == ["writer-1", "writer-9"]
    assert (await newest(dsn)).false == 0


async def test_doctor_names_false_rows_and_the_owner_may_delete_them(
    dsn: str, status: asyncpg.Connection
) -> None:
    await slip_in(status, signed(THIEF, LAST))
    await keep_heads(status, [signed(ME, 41)])
    finding = stored_finding(await newest(dsn))
    assert not finding.ok
    assert "At least 1 name a writer" in finding.why
    await status.execute("delete from heads where seq = $1", LAST)
    assert LAST in await stand(status)
    await status.execute("reset role")
    await status.execute("delete from heads where seq = $1", LAST)
    assert stored_finding(await newest(dsn)).ok


async def test_head_that_postgres_cannot_store_displaces_no_other(
    dsn: str, status: asyncpg.Connection
) -> None:
    await keep_heads(status, [signed(ME, 1, era="\0"), signed(ME, 1 << 63), signed(ME, 3)])
    assert [head.seq for head, _ in (await newest(dsn)).heads()] == [3]
