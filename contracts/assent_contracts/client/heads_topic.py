"""`assent.heads`: sign heads for it, and read those that are there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.keys import SecretKey, head_headers
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.heads import KeptHead, SignedHead, decode_head, encode_head, topic_key
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.topics import HEADS

PLACE: Final = TopicPartition(HEADS, 0)
PIECE: Final = 500
"""Heads that are processed at a time: some ten milliseconds if each has to be verified."""
_POLL_MS: Final = 500
_FETCH_BYTES: Final = 1024 * 1024


def signed_head(key: SecretKey, identity: str, head: SignedHead) -> KeptHead:
    """The head, signed for the log with this identity (hex)."""
    value = encode_head(head)
    headers = {name: content.decode() for name, content in head_headers(key, identity, value)}
    return KeptHead(value.decode(), headers[WRITER_HEADER], headers[SEAL_HEADER])


def kept_from(record: ConsumerRecord) -> KeptHead | None:
    """The head in a record of the topic; None if it is not a head or does not have its partition's key.

    Heads under other keys would survive the topic's compaction, even unsigned ones. Ignoring them keeps their
    cost to that of reading them.
    """
    head = decode_head(record.value)
    if record.value is None or head is None or record.key != topic_key(head.ledger, head.partition):
        return None
    named = dict(record.headers)
    try:
        return KeptHead(record.value.decode(), named[WRITER_HEADER].decode(), named[SEAL_HEADER].decode())
    except (KeyError, UnicodeDecodeError, AttributeError):
        return None


def good_heads(
    identity: str, kept: Iterable[KeptHead], writers: Mapping[str, bytes], own: SecretKey | None = None
) -> list[tuple[SignedHead, KeptHead]]:
    """The newest of these heads that a writer has signed, by place, era and writer. The rest do not count.

    `writers`: the keys that governance lists now. `own`: a key that is always trusted.
    """
    newest = NewestHeads()
    newest.sift(identity, kept, trusted_keys(writers, own))
    return newest.heads()


async def sift_beside(
    newest: NewestHeads, identity: str, found: Sequence[KeptHead], trusted: Mapping[str, bytes]
) -> None:
    """`newest.sift` in pieces and in a thread, so that the event loop is not blocked."""
    for begin in range(0, len(found), PIECE):
        await asyncio.to_thread(newest.sift, identity, found[begin : begin + PIECE], trusted)


async def sift_topic(
    connection: Connection, newest: NewestHeads, identity: str, trusted: Mapping[str, bytes]
) -> None:
    """Add the heads that count among all that are now in the topic. Raises KafkaError.

    Only one piece of the topic is in memory at a time.
    """
    async with aclosing(_records_now(connection)) as pieces:
        async for records in pieces:
            await asyncio.to_thread(_sift_records, newest, identity, records, trusted)


def _sift_records(
    newest: NewestHeads, identity: str, records: Sequence[ConsumerRecord], trusted: Mapping[str, bytes]
) -> None:
    newest.sift(identity, _kept(records), trusted)


async def read_heads(connection: Connection) -> list[KeptHead]:
    """All heads that are now in the topic, for a caller that cannot verify them yet. Raises KafkaError."""
    kept: list[KeptHead] = []
    async with aclosing(_records_now(connection)) as pieces:
        async for records in pieces:
            kept += await asyncio.to_thread(_kept, records)
    return kept


async def _records_now(connection: Connection) -> AsyncGenerator[Sequence[ConsumerRecord]]:
    async with partition_contents(
        connection, PLACE, partition_bytes=_FETCH_BYTES, max_records=PIECE
    ) as contents:
        async for records in contents:
            yield records


@asynccontextmanager
async def following_heads(connection: Connection) -> AsyncIterator["HeadsStream"]:
    """The topic from its beginning, and new heads as they arrive. Raises KafkaError."""
    consumer = await open_consumer(connection, {PLACE: 0})
    try:
        yield HeadsStream(consumer)
    finally:
        await consumer.stop()


class HeadsStream:
    """The heads that arrive on the topic."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def poll(self) -> list[KeptHead]:
        """The new heads; empty if none arrived for a moment. Raises KafkaError."""
        return await asyncio.to_thread(_kept, await _poll(self._consumer))


async def _poll(consumer: AIOKafkaConsumer) -> Sequence[ConsumerRecord]:
    fetched = await consumer.getmany(PLACE, timeout_ms=_POLL_MS, max_records=PIECE)
    return fetched.get(PLACE, ())


def _kept(records: Sequence[ConsumerRecord]) -> list[KeptHead]:
    return [each for each in map(kept_from, records) if each is not None]
