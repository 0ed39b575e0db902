"""`assent.heads`: write signed heads, and read those that are there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.client.keys import SecretKey, head_headers, verify
from assent_contracts.heads import KeptHead, SignedHead, decode_head, encode_head, verify_head
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.topics import HEADS

PLACE: Final = TopicPartition(HEADS, 0)
_POLL_MS: Final = 500


def signed_head(key: SecretKey, identity: str, head: SignedHead) -> KeptHead:
    """The head, signed for the log with this identity (hex)."""
    value = encode_head(head)
    headers = {name: content.decode() for name, content in head_headers(key, identity, value)}
    return KeptHead(value.decode(), headers[WRITER_HEADER], headers[SEAL_HEADER])


def kept_from(record: ConsumerRecord) -> KeptHead | None:
    """What a record of the topic holds; None for what is no head."""
    if record.value is None or decode_head(record.value) is None:
        return None
    named = dict(record.headers)
    try:
        return KeptHead(record.value.decode(), named[WRITER_HEADER].decode(), named[SEAL_HEADER].decode())
    except (KeyError, UnicodeDecodeError, AttributeError):
        return None


def good_heads(
    identity: str, kept: Sequence[KeptHead], writers: Mapping[str, bytes], own: SecretKey | None = None
) -> list[tuple[SignedHead, KeptHead]]:
    """The heads among these that a writer has signed; the rest count for nothing.

    `writers`: the keys that governance lists now. `own`: a key that is trusted whatever governance says: what
    a decider has signed itself counts for it where governance was put back to before its key was listed.
    """
    trusted = dict(writers)
    if own is not None:
        trusted[own.id] = own.public_key
    heads: list[tuple[SignedHead, KeptHead]] = []
    for each in kept:
        value = each.value.encode()
        head = decode_head(value)
        if head is not None and verify_head(identity, value, each.headers, trusted, verify) == "good":
            heads.append((head, each))
    return heads


async def read_heads(connection: Connection) -> list[KeptHead]:
    """All that stand in the topic now. Raises KafkaError."""
    kept: list[KeptHead] = []
    consumer = await reading(connection, {PLACE: 0})
    try:
        end = (await consumer.end_offsets([PLACE]))[PLACE]
        while (await positions(consumer))[PLACE] < end:
            kept += await _poll(consumer)
    finally:
        await consumer.stop()
    return kept


@asynccontextmanager
async def following_heads(connection: Connection) -> AsyncIterator["HeadsStream"]:
    """The topic from its beginning, and then as it grows. Raises KafkaError."""
    consumer = await reading(connection, {PLACE: 0})
    try:
        yield HeadsStream(consumer)
    finally:
        await consumer.stop()


class HeadsStream:
    """What comes in on the topic."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def poll(self) -> list[KeptHead]:
        """What has come; empty when nothing did for a moment. Raises KafkaError."""
        return await _poll(self._consumer)


async def _poll(consumer: AIOKafkaConsumer) -> list[KeptHead]:
    fetched = await fetch(consumer, PLACE, timeout_ms=_POLL_MS)
    found = [kept_from(record) for record in fetched.get(PLACE, ())]
    return [each for each in found if each is not None]
