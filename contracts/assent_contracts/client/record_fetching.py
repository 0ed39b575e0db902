"""Take records off a consumer, also those that aiokafka cannot parse."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.errors import IllegalStateError, KafkaError, LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest

from assent_contracts.client.record_batches import read_batches

Records = dict[TopicPartition, list[ConsumerRecord]]

_READ_UNCOMMITTED = 0
_BY_HAND_MAX_BYTES = 256 * 1024
"""Of each partition; a broker sends the first batch whole, however little is asked for."""


GetMany = Callable[..., Awaitable[Records]]
"""aiokafka's own `getmany`."""


async def fetch(
    consumer: AIOKafkaConsumer,
    getmany: GetMany,
    *partitions: TopicPartition,
    timeout_ms: int,
    max_records: int | None = None,
) -> Records:
    """What has arrived, by partition; empty when nothing did within `timeout_ms`.

    Every record comes out once, in order, also one that aiokafka cannot parse: then its whole batch does,
    though it has more than `max_records`.
    """
    before = await positions(consumer, *partitions)
    try:
        return await getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
    except UnicodeDecodeError:
        # What it had taken off other partitions is gone with the exception: back to where all began.
        for place, offset in before.items():
            _seek(consumer, place, offset)
    try:
        found = await _by_hand(consumer, before)
    except KafkaError as error:
        if not error.retriable:
            raise
        return {}
    records: Records = {}
    for place, data in found.items():
        # Beside the loop, and once: a batch of small records takes a second, and would be parsed again at
        # each poll if some of them were left for later.
        taken, after = await asyncio.to_thread(_parsed, place, before[place], data)
        _seek(consumer, place, after)
        if taken:
            records[place] = taken
    return records


async def positions(consumer: AIOKafkaConsumer, *partitions: TopicPartition) -> dict[TopicPartition, int]:
    """The offset of the record that each of the partitions (all assigned ones, if none are named) gives next.

    Unlike the offset of the last record it moves past records that are never delivered, such as the
    markers of a transaction: only so is the end of a partition reached.
    """
    found: dict[TopicPartition, int] = {}
    for place in partitions or consumer.assignment():
        with suppress(IllegalStateError):  # a group has just given it to somebody else
            found[place] = await consumer.position(place)
    return found


def _seek(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> None:
    with suppress(IllegalStateError):
        consumer.seek(place, offset)


async def _by_hand(
    consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]
) -> dict[TopicPartition, bytes]:
    """The batches that stand at these offsets, as the broker sends them. Raises KafkaError."""
    client = consumer._client  # noqa: SLF001  the connections that have fetched these bytes before
    asked: dict[int, dict[str, list[tuple[int, int, int]]]] = {}
    for place, offset in offsets.items():
        node = client.cluster.leader_for_partition(place)
        if node is None or node < 0:
            raise LeaderNotAvailableError
        of_topic = asked.setdefault(node, {}).setdefault(place.topic, [])
        of_topic.append((place.partition, offset, _BY_HAND_MAX_BYTES))
    found: dict[TopicPartition, bytes] = {}
    for node, topics in asked.items():
        request = FetchRequest(
            0, 0, len(offsets) * _BY_HAND_MAX_BYTES, _READ_UNCOMMITTED, list(topics.items())
        )
        # Over a connection of its own: on the usual one it would wait for the fetch that waits for news.
        response = await client.send(node, request, group=ConnectionGroup.COORDINATION)
        for topic, partitions in response.topics:
            for partition, code, *_, data in partitions:
                if code:
                    raise for_code(code)
                found[TopicPartition(topic, partition)] = data or b""
    return found


def _parsed(place: TopicPartition, offset: int, data: bytes) -> tuple[list[ConsumerRecord], int]:
    """The records from an offset on, and the offset to continue from."""
    records: list[ConsumerRecord] = []
    for batch in read_batches(place, data):
        records += [record for record in batch.records if record.offset >= offset]
        offset = max(offset, batch.next_offset)
    return records, offset
