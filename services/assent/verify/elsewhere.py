"""What Postgres and the signed heads know of where the ledgers stood: read from there, held against Kafka."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition

from assent.store.pool import Executor
from assent.verify.expected import SealedHead
from assent.verify.known import Known
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.client.keys import verify
from assent_contracts.governed import Loss
from assent_contracts.heads import KnownHead, SignedHead, decode_head, is_void, known_from, verify_head
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.topics import HEADS, LEDGER_TOPICS, LedgerName

_POSITIONS: Final = """
select reader, ledger, partition, seq, value_sha256, next_offset from positions where seq >= 0
order by reader <> 'audit', reader, ledger, partition
"""
_LEDGERS: Final[dict[str, LedgerName]] = {topic: name for name, topic in LEDGER_TOPICS.items()}
_POLL_MS: Final = 500


async def known_to_postgres(db: Executor) -> list[Known]:
    """How far each reader has come, the audit table first. Raises what asyncpg raises."""
    return [
        Known(
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


async def sealed_heads(connection: Connection) -> list[SealedHead]:
    """What is in `assent.heads`, each partition's newest, whether it counts or not. Raises KafkaError."""
    place = TopicPartition(HEADS, 0)
    newest: dict[bytes | None, SealedHead] = {}
    consumer = await reading(connection, {})
    try:
        if HEADS not in await consumer.topics():
            return []
        consumer.assign([place])
        consumer.seek(place, 0)
        end = (await consumer.end_offsets([place]))[place]
        while (await positions(consumer))[place] < end:
            for record in (await fetch(consumer, timeout_ms=_POLL_MS)).get(place, ()):
                headers = dict(record.headers)
                writer, seal = headers.get(WRITER_HEADER), headers.get(SEAL_HEADER)
                if record.value is not None and writer is not None and seal is not None:
                    newest[record.key] = SealedHead(
                        value=record.value.decode(errors="replace"),
                        writer=writer.decode(errors="replace"),
                        seal=seal.decode(errors="replace"),
                    )
    finally:
        await consumer.stop()
    return list(newest.values())


def known_by_writers(
    identity: str, sealed: Sequence[SealedHead], writers: Mapping[str, bytes], losses: Sequence[Loss]
) -> list[Known]:
    """The heads that count: signed by a writer of now, and not given up with an accepted loss."""
    return [
        Known(source=f"the head that {each.writer} has signed", head=known_from(head))
        for each in sealed
        if (head := _signed(identity, each, writers)) is not None and not is_void(head, losses)
    ]


def _signed(identity: str, sealed: SealedHead, writers: Mapping[str, bytes]) -> SignedHead | None:
    value = sealed.value.encode()
    headers = ((WRITER_HEADER, sealed.writer.encode()), (SEAL_HEADER, sealed.seal.encode()))
    if verify_head(identity, value, headers, writers, verify) != "good":
        return None
    return decode_head(value)
