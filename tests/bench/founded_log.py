"""A log with one partition, founded from the demo's governance file, whose topics can be emptied."""

import asyncio
from pathlib import Path

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from assent.founding.first_records import found, founding_links
from assent.ledger.topic_creation import apply_topics
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import now_ms
from assent_contracts.topics import HEADS
from tests.bench.organisation import Organisation, organisation
from tests.support.log import make_keys

_GONE_WITHIN_S = 60.0


class Log(msgspec.Struct, frozen=True):
    """The log, and where the key files are: `<principal>.key`, and the writer's key elsewhere."""

    connection: Connection
    identity: str
    keys: Path
    writer_key: Path

    def env(self, *, postgres: str = "", http_port: int | None = None) -> dict[str, str]:
        """The environment of a service of this log."""
        env = {
            "ASSENT_KAFKA": self.connection.bootstrap,
            "ASSENT_IDENTITY": self.identity,
            "ASSENT_KEY_FILE": str(self.writer_key),
        }
        if postgres:
            env["ASSENT_POSTGRES"] = postgres
        if http_port:
            env["ASSENT_HTTP_PORT"] = str(http_port)
        return env


async def found_log(connection: Connection, folder: Path, size: Organisation = "demo") -> Log:
    """Make the topics, the keys (in `folder`) and the governance ledger's first records."""
    await apply_topics(connection, partitions=1)
    file = organisation(size)
    writer = SecretKey("writer-1", "decider")
    writer.save(folder / "writer" / "writer.key")
    made = make_keys(file, folder / "keys")
    links = founding_links(
        file,
        writers={writer.id: writer.public},
        recovery=SecretKey("recovery", "recovery").public,
        partitions=1,
        made_keys=made,
        at_ms=now_ms(),
    )
    founded = await found(connection, links, writer, now_ms())
    return Log(connection, founded.identity, folder / "keys", folder / "writer" / "writer.key")


async def empty(connection: Connection, *topics: str) -> None:
    """Delete these topics and create them again. What was known of their ledgers is forgotten as well."""
    await remove(connection, *topics, HEADS)
    await apply_topics(connection, partitions=1)


async def remove(connection: Connection, *topics: str) -> None:
    """Delete these topics, and return once they are gone."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        async with asyncio.timeout(_GONE_WITHIN_S):
            while there := [topic for topic in await admin.list_topics() if topic in topics]:
                await admin.delete_topics(there)
    finally:
        await admin.close()


async def make(connection: Connection, *topics: str) -> None:
    """Create topics that are not the product's, with one partition each."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1) for topic in topics])
    finally:
        await admin.close()
