"""Take records off a consumer, the unreadable ones too."""

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaError, LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest

from assent_contracts.client.batches import Batch, read_batches

Records = dict[TopicPartition, list[ConsumerRecord]]

_READ_UNCOMMITTED = 0
_ONE_BATCH_BYTES = 1
"""A broker sends the first batch whole, however little is asked for."""


async def fetch(
    consumer: AIOKafkaConsumer, *partitions: TopicPartition, timeout_ms: int, max_records: int | None = None
) -> Records:
    """What has arrived, by partition; empty when nothing did within `timeout_ms`.

    Every record comes out once, in order. One that aiokafka cannot parse is an `UnreadableRecord`.
    """
    before = await positions(consumer, *partitions)
    try:
        return await consumer.getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
    except UnicodeDecodeError:
        # What it had taken off other partitions is gone with the exception: back to where all began.
        for place, offset in before.items():
            consumer.seek(place, offset)
    try:
        batches = {place: await _next_batches(consumer, place, offset) for place, offset in before.items()}
    except KafkaError as error:
        if not error.retriable:
            raise
        return {}
    records: Records = {}
    for place, offset in before.items():
        taken, after = _from(offset, batches[place], max_records)
        consumer.seek(place, after)
        if taken:
            records[place] = taken
            max_records = None if max_records is None else max_records - len(taken)
    return records


async def positions(consumer: AIOKafkaConsumer, *partitions: TopicPartition) -> dict[TopicPartition, int]:
    """The offset of the record that each of the partitions (all assigned ones, if none are named) gives next.

    Unlike the offset of the last record it moves past records that are never delivered, such as the
    markers of a transaction: only so is the end of a partition reached.
    """
    return {place: await consumer.position(place) for place in partitions or consumer.assignment()}


async def _next_batches(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> list[Batch]:
    client = consumer._client  # noqa: SLF001  the connection that has fetched these bytes before
    node = client.cluster.leader_for_partition(place)
    if node is None or node < 0:
        raise LeaderNotAvailableError
    asked = [(place.topic, [(place.partition, offset, _ONE_BATCH_BYTES)])]
    request = FetchRequest(0, 0, _ONE_BATCH_BYTES, _READ_UNCOMMITTED, asked)
    # On a connection of its own: on the usual one it would wait for the fetch that waits for news.
    response = await client.send(node, request, group=ConnectionGroup.COORDINATION)
    [(_, [(_, code, *_, data)])] = response.topics
    if code:
        raise for_code(code)
    return list(read_batches(place, data or b""))


def _from(offset: int, batches: list[Batch], max_records: int | None) -> tuple[list[ConsumerRecord], int]:
    """The records from an offset on, and the offset after them."""
    records = [record for batch in batches for record in batch.records if record.offset >= offset]
    if max_records is not None and len(records) > max_records:
        return records[:max_records], records[max_records].offset
    return records, batches[-1].next_offset if batches else offset
