"""The images of infra/compose.yaml do what Assent requires of Kafka and Postgres."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.containers import Endpoints, containers

pytestmark = [pytest.mark.containers, pytest.mark.asyncio(loop_scope="module")]

_RECORDS = 1_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoints() -> AsyncIterator[Endpoints]:
    async with containers() as found:
        yield found


async def test_batch_sent_idempotently_to_all_replicas_is_read_back_whole(endpoints: Endpoints) -> None:
    """What the writer does: one produce batch, acks=all, at the expected offset."""
    partition = TopicPartition("images", 1)
    admin = AIOKafkaAdminClient(bootstrap_servers=endpoints.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(partition.topic, num_partitions=2, replication_factor=1)])
    await admin.close()

    values = [b"%d" % number for number in range(_RECORDS)]
    async with AIOKafkaProducer(
        bootstrap_servers=endpoints.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        batch = producer.create_batch()
        for value in values:
            assert batch.append(key=b"app/1", value=value, timestamp=None, headers=[]) is not None
        acknowledged = await producer.send_batch(batch, partition.topic, partition=partition.partition)
        assert (await acknowledged).offset == 0

    consumer = AIOKafkaConsumer(bootstrap_servers=endpoints.bootstrap, auto_offset_reset="earliest")
    consumer.assign([partition])
    async with consumer:
        read: list[bytes | None] = []
        while len(read) < _RECORDS:
            got = await consumer.getmany(partition, timeout_ms=1_000)
            read.extend(record.value for record in got.get(partition, []))
        assert read == values
        assert await consumer.end_offsets([partition]) == {partition: _RECORDS}


async def test_rows_copied_into_postgres_are_there_with_their_bytes(endpoints: Endpoints) -> None:
    """What the audit projection does: COPY with the text of a record as it was received."""
    connection = await asyncpg.connect(endpoints.dsn)
    try:
        assert connection.get_server_version().major == 18
        await connection.execute("create table images (seq bigint primary key, record json not null)")
        spaced = '{ "seq" :0}'
        rows = [(seq, spaced) for seq in range(_RECORDS)]
        async with connection.transaction():
            await connection.copy_records_to_table("images", records=rows)
        assert await connection.fetchval("select count(*) from images") == _RECORDS
        assert await connection.fetchval("select record::text from images where seq = 7") == spaced
    finally:
        await connection.close()
