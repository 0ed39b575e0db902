"""The connection to Kafka, and consumers and producers with the settings that are safe here."""

import asyncio
import ssl
from collections.abc import Callable
from types import CoroutineType
from typing import Any, Final, Literal

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import for_code
from aiokafka.helpers import create_ssl_context
from aiokafka.protocol.offset import OffsetRequest

from assent_contracts import limits
from assent_contracts.client.closing import close_soon
from assent_contracts.client.outage_lines import few_lines_of_aiokafka
from assent_contracts.client.record_fetching import Records, fetch

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
FETCH_MAX_BYTES = 4 * 1024 * 1024
REQUEST_TIMEOUT_MS = 20_000
SEEK_MAX_WAIT_MS: Final = 10
"""For consumers that seek. aiokafka answers a seek only after the fetch that is under way."""
_OFFSETS_GROUP: Final = max(ConnectionGroup) + 1
"""aiokafka has a connection to a broker for each number."""
_START_ENDS_S = 5.0

_Send = Callable[..., "CoroutineType[Any, Any, Any]"]


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A Kafka cluster and how to authenticate to it."""

    bootstrap: str
    """host:port of one or more brokers, separated by commas. Any of them that answers names the others."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    """`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."""
    ca_file: str | None = None
    """PEM file with the authorities that sign the brokers' certificates. None: the system's authorities."""
    certificate_file: str | None = None
    """PEM file with the client's certificate, for mutual TLS."""
    key_file: str | None = None
    """PEM file with that certificate's private key."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."""
    sasl_username: str | None = None
    """The SASL user."""
    sasl_password: str | None = None
    """The SASL password."""

    def __repr__(self) -> str:
        """Without the password, because this text may reach a log."""
        return f"Connection({self.bootstrap!r}, {self.security_protocol})"

    @property
    def addresses(self) -> list[str]:
        """Each host:port of `bootstrap`, for clients that take a list."""
        return [each.strip() for each in self.bootstrap.split(",") if each.strip()]

    def options(self) -> dict[str, Any]:
        """The keyword arguments that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.addresses,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
        }
        if self.security_protocol in ("SSL", "SASL_SSL"):
            options["ssl_context"] = self._tls()
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password
        return options

    def _tls(self) -> ssl.SSLContext:
        return create_ssl_context(cafile=self.ca_file, certfile=self.certificate_file, keyfile=self.key_file)


class Consumer(AIOKafkaConsumer):
    """aiokafka's consumer, which here also returns records that aiokafka cannot parse, and always stops.

    It asks for offsets on a connection of their own. A broker answers a connection's requests in order, so
    on the usual one they would wait for the end of the fetch that waits for new records, up to 500 ms. When a
    broker answers that it does not lead a partition any more, the consumer finds out who does.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        """As aiokafka's. It connects when it is started."""
        super().__init__(*topics, **options)
        self._client.send = _beside_fetches(self._client)
        close_soon(self._client)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        """The new records by partition; empty if none arrived within `timeout_ms`. Raises KafkaError.

        Every record is returned once, in order, whatever is in its headers. aiokafka's own method would stop
        for good at a header that is not UTF-8. A batch with such a header is returned whole, even if it has
        more than `max_records`.
        """
        return await fetch(self, super().getmany, *partitions, timeout_ms=timeout_ms, max_records=max_records)

    async def stop(self) -> None:
        """Stop in any state.

        aiokafka cancels its fetches and waits for them. A fetch that was pausing after a failure lets the
        cancellation escape. aiokafka's `stop` then ends half-way, as if its caller had been cancelled.
        """
        stopping = asyncio.ensure_future(super().stop())
        await asyncio.wait([stopping])
        if stopping.cancelled():
            await self._client.close()
        else:
            stopping.result()


def _beside_fetches(client: AIOKafkaClient) -> _Send:
    send: _Send = client.send

    async def beside_fetches(node: int, request: Any, *, group: int = ConnectionGroup.DEFAULT) -> Any:
        if not isinstance(request, OffsetRequest):
            return await send(node, request, group=group)
        answer = await send(node, request, group=_OFFSETS_GROUP)
        # Where a position is reset, aiokafka would ask the same broker for the next five minutes.
        if any(for_code(code).invalid_metadata for _, found in answer.topics for _, code, *_ in found):
            client.force_metadata_update()
        return answer

    return beside_fetches


async def open_consumer(
    connection: Connection, offsets: dict[TopicPartition, int], *, partition_bytes: int = FETCH_MAX_BYTES
) -> Consumer:
    """A started consumer of these partitions, from these offsets, without a group and without commits.

    It never skips: if a partition does not reach to an offset, fetching raises OffsetOutOfRangeError.
    `partition_bytes`: how much of a partition is fetched at once, but at least a whole batch.
    """
    consumer = Consumer(
        **connection.options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_bytes=8 * FETCH_MAX_BYTES,
        max_partition_fetch_bytes=partition_bytes,
    )
    await started(consumer)
    consumer.assign(list(offsets))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    return consumer


async def open_producer(connection: Connection, *, linger_ms: int = 0) -> AIOKafkaProducer:
    """A started producer that neither loses nor duplicates records: acks=all, idempotent."""
    producer = AIOKafkaProducer(
        **connection.options(),
        acks="all",
        enable_idempotence=True,
        linger_ms=linger_ms,
        max_batch_size=limits.PRODUCE_MAX_BYTES,
        max_request_size=limits.PRODUCE_MAX_BYTES,
    )
    close_soon(producer.client)
    await started(producer)
    return producer


def admin_client(connection: Connection) -> AIOKafkaAdminClient:
    """A client for topics and rights, which is not started yet. It has to be closed in any case."""
    client = AIOKafkaAdminClient(**connection.options())
    close_soon(client._client)  # noqa: SLF001
    return client


async def started(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Start a client. Leaves no connection open if that fails or is cancelled. Raises KafkaError."""
    few_lines_of_aiokafka()
    # aiokafka leaks its first connection if it is cancelled while starting, so let it finish.
    starting = asyncio.ensure_future(client.start())
    try:
        await asyncio.shield(starting)
    except BaseException:
        await asyncio.wait([starting], timeout=_START_ENDS_S)
        await client.stop()
        raise
