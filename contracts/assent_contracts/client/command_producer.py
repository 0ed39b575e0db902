"""Publish commands with a producer that is replaced after a failure."""

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.client.spans import sending


class CommandProducer:
    """Publishes records to one topic."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._producer = await open_producer(self._connection)

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(
        self, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], partition: int
    ) -> RecordMetadata:
        """Send a record. Returns its place once every in-sync replica has it. Raises KafkaError."""
        producer = self._producer
        assert producer is not None
        try:
            with sending(self._topic, headers) as record:
                ack = await producer.send_and_wait(
                    self._topic, value, key=key, headers=record.headers, partition=partition
                )
                record.sent(ack.partition, ack.offset)
                return ack
        except KafkaError:
            # This includes a record that is too large for the broker: it leaves a gap in the producer's
            # sequence.
            await self._replace(producer)
            raise

    async def _replace(self, failed: AIOKafkaProducer) -> None:
        # After a failed batch an idempotent producer may refuse all further ones.
        try:
            fresh = await open_producer(self._connection)
        except KafkaError:
            return  # Kafka is still unavailable: the next send will fail and try again
        if self._producer is failed:
            self._producer, fresh = fresh, failed
        await fresh.stop()
