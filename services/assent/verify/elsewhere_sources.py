"""What Postgres and signed heads know of where the ledgers ended, to compare with Kafka."""

from collections.abc import Mapping, Sequence
from typing import Final

from assent.store.pool import Executor
from assent.store.stored_heads import stored_heads
from assent.verify.heads_elsewhere import HeadElsewhere
from assent_contracts.client.connection import Connection
from assent_contracts.client.heads_topic import good_heads, read_heads
from assent_contracts.eras import is_void
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import KeptHead, KnownHead, known_from
from assent_contracts.topics import LEDGER_TOPICS, LedgerName

_POSITIONS: Final = """
select reader, ledger, partition, seq, value_sha256, next_offset from positions where seq >= 0
order by reader <> 'audit', reader, ledger, partition
"""
IN_FILE: Final = ", in the decider's file"
_LEDGERS: Final[dict[str, LedgerName]] = {topic: name for name, topic in LEDGER_TOPICS.items()}


async def known_to_postgres(db: Executor) -> list[HeadElsewhere]:
    """How far each reader has come, the audit table first. Raises asyncpg's errors."""
    return [
        HeadElsewhere(
            source=f"Postgres (position of {row['reader']})",
            head=KnownHead(
                ledger=_LEDGERS[row["ledger"]],
                partition=row["partition"],
                seq=row["seq"],
                sha256=row["value_sha256"],
                next_offset=row["next_offset"],
            ),
        )
        for row in await db.fetch(_POSITIONS)
    ]


async def kept_heads(connection: Connection, dsn: str) -> list[KeptHead]:
    """The signed heads of `assent.heads` and of Postgres, whether or not they count.

    Raises KafkaError, and one of assent.store.stored_heads.HEADS_UNREACHABLE.
    """
    return [*await read_heads(connection), *await stored_heads(dsn)]


def known_by_writers(
    identity: str,
    kept: Sequence[KeptHead],
    writers: Mapping[str, bytes],
    losses: Sequence[Loss],
    *,
    where: str = "",
) -> list[HeadElsewhere]:
    """The heads that count: signed by a present writer, and not given up with an accepted loss.

    `where`: where they are kept, for people, such as IN_FILE.
    """
    return [
        HeadElsewhere(source=f"a head that {each.writer} has signed{where}", head=known_from(head))
        for head, each in good_heads(identity, kept, writers)
        if not is_void(head.era, losses)
    ]
