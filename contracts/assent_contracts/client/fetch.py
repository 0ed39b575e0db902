"""Take records off a consumer, the unreadable ones too."""

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

Records = dict[TopicPartition, list[ConsumerRecord]]


async def fetch(
    consumer: AIOKafkaConsumer, *partitions: TopicPartition, timeout_ms: int, max_records: int | None = None
) -> Records:
    """What has arrived, by partition; empty when nothing did within `timeout_ms`."""
    return await consumer.getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
