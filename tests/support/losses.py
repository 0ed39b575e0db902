"""A log that has lost records, and the acceptance of that loss with its recovery key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from assent.decider.loss_acceptance import AcceptedLoss, accept_loss, ends_now
from assent.decider.writer_key_check import load_writer_key
from assent.founding.first_records import RECOVERY_KEY, WRITER_KEY
from assent.store.stored_heads import keep_heads
from assent_contracts.client.heads_topic import signed_head
from assent_contracts.client.keys import load_key
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.heads import SignedHead
from assent_contracts.topics import LedgerName
from tests.support.log import Log, following


async def accept_the_loss(log: Log) -> None:
    """While no decider leads."""
    async with following(log) as follower:
        ends = await ends_now(log.connection, follower)
        key = load_key(log.folder / RECOVERY_KEY)
        done = await accept_loss(log.connection, log.identity, key, ends, ())
    assert isinstance(done, AcceptedLoss)


def loss_at(seq: int) -> Loss:
    """A loss that names where partition 0 of the request ledger ends."""
    end = LedgerEnd(
        ledger="ledger",
        partition=0,
        seq=seq,
        sha256="0" * 64,
        next_offset=seq + 1,
        topic_end=seq + 1,
        next_input=0,
    )
    return Loss(era=f"era-{seq}", ends=(end,))


@asynccontextmanager
async def known_beyond(
    log: Log, dsn: str, partition: int, ledger: LedgerName = "ledger"
) -> AsyncIterator[None]:
    """For a while Postgres knows of more of a partition than exists, as if that was cut."""
    head = SignedHead(
        ledger=ledger,
        partition=partition,
        seq=99_999,
        sha256="ab" * 32,
        next_offset=100_000,
        next_input=100_000,
        at=1,
        epoch=1,
    )
    kept = signed_head(load_writer_key(log.folder / WRITER_KEY), log.identity, head)
    database = await asyncpg.connect(dsn)
    try:
        await keep_heads(database, [(head, kept)])
        yield
        await database.execute("delete from heads where seq = $1", head.seq)
    finally:
        await database.close()
