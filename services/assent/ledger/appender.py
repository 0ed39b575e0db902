"""Append sealed batches to one ledger partition, and notice when somebody else has appended.

An acknowledged offset that is not the expected one means that something came between. Then what lies
between is read: only junk, and the batch stands; an accepted run, and this writer has lost.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from assent.ledger.chain import Link, RecordTooLargeError
from assent_contracts import limits
from assent_contracts.acceptance import Acceptance, Head
from assent_contracts.client.connection import PRODUCE_MAX_BYTES, Connection, reading, writing
from assent_contracts.client.fetch import fetch
from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.topics import LEDGER_TOPICS

BATCH_MAX_RECORDS = 2_000
RECORD_OVERHEAD_BYTES = 512
"""More than Kafka's own framing of one record, and the headers of its seal."""
_LARGEST_BYTES = limits.RECORD_MAX_BYTES + limits.KEY_MAX_BYTES + RECORD_OVERHEAD_BYTES
BATCH_MAX_BYTES = PRODUCE_MAX_BYTES - _LARGEST_BYTES - RECORD_OVERHEAD_BYTES
"""A batch that is no larger has room for one more record of any size."""
BATCHES_IN_FLIGHT = 3
ACK_TIMEOUT_S = 30.0
READ_BACK_TIMEOUT_S = 30.0


class LostLeadError(Exception):
    """Another writer's run was accepted: this one must drop its state and start over."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far deciding has come with the last record of a batch."""

    at: int
    """Log time of that record, ms."""
    next_input: int
    """The offset of the first command that is not decided by then."""
    input_sha256: str | None = None
    """Of the command before that one, hex; None where it is not known."""


class _InFlight(msgspec.Struct, frozen=True):
    ack: Awaitable[RecordMetadata]
    records: int
    head: Head
    reached: Reached


class Appender:
    """One writer's appends to one partition."""

    def __init__(
        self,
        connection: Connection,
        key: SecretKey,
        *,
        confirmed: Head,
        acceptance_from: Callable[[Head], Acceptance],
        reached: Reached | None = None,
    ) -> None:
        """`confirmed`: the accepted head to append to; its next_offset is the end of the partition.

        `acceptance_from`: the acceptance rule of that partition, from a head on. `reached`: with that head.
        """
        self.confirmed = confirmed
        """The head up to which everything is acknowledged and accepted."""
        self.reached = reached or Reached(at=0, next_input=0)
        """How far deciding had come with it."""
        self._connection = connection
        rule = acceptance_from(confirmed)
        self._place = TopicPartition(LEDGER_TOPICS[rule.ledger], rule.partition)
        self._rule = rule
        self._key = key
        self._acceptance_from = acceptance_from
        self._in_flight: deque[_InFlight] = deque()
        self._expected = confirmed.next_offset
        self._producer: AIOKafkaProducer | None = None
        self._sent = asyncio.Event()
        self._confirming = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._producer = await writing(self._connection)

    async def stop(self) -> None:
        """Drop the producer; whatever is in flight may or may not land."""
        if self._producer is not None:
            await self._producer.stop()

    async def append(self, links: list[Link], head: Head, *, at: int, reached: Reached | None = None) -> None:
        """Send links as one sealed batch that ends at `head`; returns when few enough are in flight.

        `at`: log time in ms, the batch's timestamp. `reached`: with the last link.
        Raises LostLeadError, KafkaError, TimeoutError.
        """
        assert self._producer is not None
        batch = self._producer.create_batch()
        rule, sha256 = self._rule, bytes.fromhex(head.value_sha256)
        sealing = seal_headers(self._key, rule.identity, rule.ledger, rule.partition, head.seq, sha256)
        last = len(links) - 1
        for index, link in enumerate(links):
            headers = sealing if index == last else []
            added = batch.append(key=link.key, value=link.value, timestamp=at, headers=headers)
            if added is None:
                raise RecordTooLargeError(len(link.value))
        ack = await self._producer.send_batch(batch, self._place.topic, partition=self._place.partition)
        self._in_flight.append(_InFlight(ack, len(links), head, reached or self.reached))
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
        while len(self._in_flight) > left:
            async with self._confirming:
                if len(self._in_flight) > left:
                    await self._confirm_oldest()

    async def _confirm_oldest(self) -> None:
        sent = self._in_flight[0]
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
        async with asyncio.timeout(ACK_TIMEOUT_S):
            ack = await asyncio.shield(_awaited(sent.ack))
        end = ack.offset + sent.records
        if ack.offset != self._expected:
            await self._read_between(sent.head, end)
        self.confirmed = msgspec.structs.replace(sent.head, next_offset=end)
        self.reached = sent.reached
        self._expected = end
        self._in_flight.popleft()

    async def _read_between(self, head: Head, end: int) -> None:
        acceptance = self._acceptance_from(self.confirmed)
        consumer = await reading(self._connection, {self._place: self.confirmed.next_offset})
        try:
            async with asyncio.timeout(READ_BACK_TIMEOUT_S):
                read_to = self.confirmed.next_offset
                while read_to < end:
                    for record in (await fetch(consumer, timeout_ms=500)).get(self._place, ()):
                        if record.offset < end:
                            acceptance.offer(record.offset, record.value, record.headers)
                        read_to = record.offset + 1
        finally:
            await consumer.stop()
        if acceptance.head.value_sha256 != head.value_sha256:
            msg = (
                f"{self._place.topic}/{self._place.partition}: another writer's run stands at seq {head.seq}"
            )
            raise LostLeadError(msg)


async def _awaited(ack: Awaitable[RecordMetadata]) -> RecordMetadata:
    return await ack


def fits(records: int, size: int) -> bool:
    """Whether a batch of that many records and bytes has room for one more of any size."""
    return records < BATCH_MAX_RECORDS and size <= BATCH_MAX_BYTES


def size_of(link: Link) -> int:
    """The bytes that a link takes in a batch, at most."""
    return len(link.value) + len(link.key or b"") + RECORD_OVERHEAD_BYTES
