"""What an attacker with Kafka's own tools can do to a topic: delete its beginning, or recreate it."""

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from assent.ledger.topic_creation import apply_topics
from assent_contracts.client.connection import Connection
from tests.support.log import PARTITIONS, delete_topics


async def forget_records(connection: Connection, before: dict[TopicPartition, int]) -> None:
    """Delete the records before these offsets, as retention does it; -1 means all."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        await admin.delete_records(
            {place: RecordsToDelete(before_offset=offset) for place, offset in before.items()}
        )
    finally:
        await admin.close()


async def recreate_topic(connection: Connection, topic: str) -> None:
    """Delete a topic and create it again, empty."""
    await delete_topics(connection, {topic})
    await apply_topics(connection, partitions=PARTITIONS)
