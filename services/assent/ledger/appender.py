"""Append sealed batches to one ledger partition, and notice when somebody else has appended."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from assent_contracts.acceptance import Acceptance, Head
from assent_contracts.client.connection import Connection, reading, writing
from assent_contracts.client.fetch import fetch
from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.core.writer.batches import Batch
from assent_contracts.core.writer.chain import RecordTooLargeError
from assent_contracts.core.writer.unconfirmed import Between, Unconfirmed
from assent_contracts.topics import LEDGER_TOPICS

BATCHES_IN_FLIGHT = 3
ACK_TIMEOUT_S = 30.0
READ_BACK_TIMEOUT_S = 30.0


class LostLeadError(Exception):
    """Another writer's run was accepted: this one must drop its state and start over."""


class Appender:
    """One writer's appends to one partition."""

    def __init__(
        self,
        connection: Connection,
        key: SecretKey,
        *,
        confirmed: Head,
        acceptance_from: Callable[[Head], Acceptance],
    ) -> None:
        """`confirmed`: the accepted head to append to; its next_offset is the end of the partition.

        `acceptance_from`: the acceptance rule of that partition, from a head on.
        """
        self._unconfirmed = Unconfirmed(confirmed)
        self._connection = connection
        rule = acceptance_from(confirmed)
        self._place = TopicPartition(LEDGER_TOPICS[rule.ledger], rule.partition)
        self._rule = rule
        self._key = key
        self._acceptance_from = acceptance_from
        self._acks: deque[Awaitable[RecordMetadata]] = deque()
        self._producer: AIOKafkaProducer | None = None
        self._sent = asyncio.Event()
        self._confirming = asyncio.Lock()

    @property
    def confirmed(self) -> Head:
        """The head up to which everything is acknowledged and accepted."""
        return self._unconfirmed.confirmed

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._producer = await writing(self._connection)

    async def stop(self) -> None:
        """Drop the producer; whatever is in flight may or may not land."""
        if self._producer is not None:
            await self._producer.stop()

    async def append(self, batch: Batch) -> None:
        """Send the batch whole, its last record sealed; returns when few enough are in flight.

        Raises LostLeadError, KafkaError, TimeoutError.
        """
        assert self._producer is not None
        sent, links, head = self._producer.create_batch(), batch.links, batch.head
        rule, sha256 = self._rule, bytes.fromhex(head.value_sha256)
        sealing = seal_headers(self._key, rule.identity, rule.ledger, rule.partition, head.seq, sha256)
        last = len(links) - 1
        for index, link in enumerate(links):
            headers = sealing if index == last else []
            added = sent.append(key=link.key, value=link.value, timestamp=batch.at, headers=headers)
            if added is None:
                raise RecordTooLargeError(len(link.value))
        ack = await self._producer.send_batch(sent, self._place.topic, partition=self._place.partition)
        self._acks.append(ack)
        self._unconfirmed.sent(batch)
        self._sent.set()
        await self._confirm_down_to(BATCHES_IN_FLIGHT - 1)

    async def flush(self) -> None:
        """Return when everything sent is acknowledged and accepted. Raises as `append` does."""
        await self._confirm_down_to(0)

    async def keep_confirming(self) -> None:
        """Confirm what is sent as soon as it is acknowledged, so that a lost lead shows at once.

        Until cancelled. Raises as `append` does.
        """
        while True:
            await self._sent.wait()
            self._sent.clear()
            await self.flush()

    async def _confirm_down_to(self, left: int) -> None:
        while len(self._unconfirmed) > left:
            async with self._confirming:
                if len(self._unconfirmed) > left:
                    await self._confirm_oldest()

    async def _confirm_oldest(self) -> None:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
        async with asyncio.timeout(ACK_TIMEOUT_S):
            ack = await asyncio.shield(_awaited(self._acks[0]))
        between = self._unconfirmed.acknowledged(ack.offset)
        if between is not None:
            await self._read_between(between)
        self._unconfirmed.confirm(ack.offset)
        self._acks.popleft()

    async def _read_between(self, between: Between) -> None:
        acceptance = self._acceptance_from(self.confirmed)
        consumer = await reading(self._connection, {self._place: between.start})
        try:
            async with asyncio.timeout(READ_BACK_TIMEOUT_S):
                read_to = between.start
                while read_to < between.end:
                    for record in (await fetch(consumer, timeout_ms=500)).get(self._place, ()):
                        if record.offset < between.end:
                            acceptance.offer(record.offset, record.value, record.headers)
                        read_to = record.offset + 1
        finally:
            await consumer.stop()
        if not self._unconfirmed.is_accepted(acceptance.head):
            place = f"{self._place.topic}/{self._place.partition}"
            seq = self._unconfirmed.oldest_seq
            raise LostLeadError(f"{place}: another writer's run stands at seq {seq}")


async def _awaited(ack: Awaitable[RecordMetadata]) -> RecordMetadata:
    return await ack
