"""Take records from a consumer, including those that aiokafka cannot parse."""

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
"""For each partition. A broker sends the first batch whole even if it is larger."""


GetMany = Callable[..., Awaitable[Records]]
"""aiokafka's own `getmany`."""


async def fetch(
    consumer: AIOKafkaConsumer,
    getmany: GetMany,
    *partitions: TopicPartition,
    timeout_ms: int,
    max_records: int | None = None,
) -> Records:
    """The new records by partition; empty if none arrived within `timeout_ms`.

    Every record is returned once, in order, including those that aiokafka cannot parse. The batch of such a
    record is returned whole, even if it has more than `max_records`.
    """
    before = await positions(consumer, *partitions)
    try:
        return await getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
    except UnicodeDecodeError:
        # The exception lost what was already taken from other partitions, so seek back in all of them.
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
        # In a thread, because a batch of small records takes a second. All records are returned at once,
        # because the batch would be parsed again at each poll if some were left for later.
        taken, after = await asyncio.to_thread(_parsed, place, before[place], data)
        _seek(consumer, place, after)
        if taken:
            records[place] = taken
    return records


async def positions(consumer: AIOKafkaConsumer, *partitions: TopicPartition) -> dict[TopicPartition, int]:
    """The next offset of each of the partitions, or of all assigned ones if none are named.

    Unlike the offset of the last record, it moves past records that are never delivered, such as the markers
    of a transaction. Without that the end of a partition might never be reached.
    """
    found: dict[TopicPartition, int] = {}
    for place in partitions or consumer.assignment():
        with suppress(IllegalStateError):  # a group has just reassigned it
            found[place] = await consumer.position(place)
    return found


def _seek(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> None:
    with suppress(IllegalStateError):
        consumer.seek(place, offset)


async def _by_hand(
    consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]
) -> dict[TopicPartition, bytes]:
    """The batches at these offsets, as the broker sends them. Raises KafkaError."""
    client = consumer._client  # noqa: SLF001  its connections have fetched these bytes before
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
        # On a separate connection: on the usual one it would wait behind the fetch that waits for new
        # records.
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
