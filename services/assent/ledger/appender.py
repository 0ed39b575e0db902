"""Append sealed batches to one ledger partition, and notice when another writer has appended."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from assent.observe.machine_clocks import read_clock
from assent_contracts.acceptance import Acceptance, Head
from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.core.writer.batch import Batch
from assent_contracts.core.writer.chain import RecordTooLargeError
from assent_contracts.core.writer.unconfirmed_batches import OffsetsToRead, UnconfirmedBatches
from assent_contracts.topics import LEDGER_TOPICS

HeaderList = list[tuple[str, bytes]]
NO_TRACES: Final[Mapping[int, HeaderList]] = {}
BATCHES_IN_FLIGHT = 3
ACK_TIMEOUT_S = 30.0
READ_BACK_TIMEOUT_S = 30.0
_LOG_APPEND_TIME = 1
"""The timestamp is the broker's and not the sender's."""


class LostLeadError(Exception):
    """Another writer's run was accepted: this writer must drop its state and start over."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far deciding has come by the last record of a batch."""

    at: int
    """Log time of that record, ms."""
    next_input: int
    """The offset of the first command that is not decided at that point."""
    input_sha256: str | None = None
    """The SHA-256 of the command before that one, hex; None where it is not known."""


class _InFlight(msgspec.Struct, frozen=True):
    ack: Awaitable[RecordMetadata]
    reached: Reached
    sent_at: int
    """The steady clock, ms."""


def _ignore(_appended: int, _after: int, _by: int) -> None:
    pass


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
        on_append: Callable[[int, int, int], None] = _ignore,
    ) -> None:
        """`confirmed`: the accepted head to append to. Its next_offset is the end of the partition.

        `acceptance_from`: the acceptance rule of that partition, from a given head. `reached`: how far
        deciding had come with `confirmed`. `on_append` is called with the broker's time of a batch (ms since
        1970) and two steady clock readings (ms) between which it was appended.
        """
        self._unconfirmed = UnconfirmedBatches(confirmed)
        self.reached = reached or Reached(at=0, next_input=0)
        """How far deciding had come with the confirmed head."""
        self._connection = connection
        rule = acceptance_from(confirmed)
        self._place = TopicPartition(LEDGER_TOPICS[rule.ledger], rule.partition)
        self._rule = rule
        # This term's era, even if a loss is accepted in the meantime: then nothing that it appends counts.
        self._era: Final = rule.era_at(confirmed.seq + 1)
        self._key = key
        self._acceptance_from = acceptance_from
        self._on_append = on_append
        self._in_flight: deque[_InFlight] = deque()
        self._producer: AIOKafkaProducer | None = None
        self._sent = asyncio.Event()
        self._confirming = asyncio.Lock()

    @property
    def confirmed(self) -> Head:
        """The head up to which everything is acknowledged and accepted."""
        return self._unconfirmed.confirmed

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._producer = await open_producer(self._connection)

    async def stop(self) -> None:
        """Drop the producer. Whatever is in flight may or may not be appended."""
        if self._producer is not None:
            await self._producer.stop()

    async def append(self, batch: Batch, traces: Mapping[int, HeaderList] = NO_TRACES) -> None:
        """Send the whole batch with its last record sealed. Returns when few enough are in flight.

        `traces`: by seq, the headers with the trace of a record. Raises LostLeadError, KafkaError,
        TimeoutError.
        """
        assert self._producer is not None
        sent, links, head = self._producer.create_batch(), batch.links, batch.head
        rule, sha256 = self._rule, bytes.fromhex(head.value_sha256)
        place = rule.ledger, rule.partition
        sealing = seal_headers(self._key, rule.identity, *place, head.seq, sha256, self._era)
        last = len(links) - 1
        headers = {seq - head.seq + last: traced for seq, traced in traces.items()}
        headers[last] = [*sealing, *headers.get(last, ())]
        unsealed: HeaderList = []
        for index, link in enumerate(links):
            own = headers.get(index, unsealed)
            added = sent.append(key=link.key, value=link.value, timestamp=batch.at, headers=own)
            if added is None:
                raise RecordTooLargeError(len(link.value))
        sent_at = read_clock().steady
        ack = await self._producer.send_batch(sent, self._place.topic, partition=self._place.partition)
        reached = Reached(at=batch.at, next_input=batch.next_input, input_sha256=batch.input_sha256)
        self._in_flight.append(_InFlight(ack, reached, sent_at))
        self._unconfirmed.sent(batch)
        self._sent.set()
        await self._confirm_down_to(BATCHES_IN_FLIGHT - 1)

    async def flush(self) -> None:
        """Return when everything sent is acknowledged and accepted. Raises as `append` does."""
        await self._confirm_down_to(0)

    async def keep_confirming(self) -> None:
        """Confirm what was sent as soon as it is acknowledged, so that a lost lead shows at once.

        Runs until cancelled. Raises as `append` does.
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
        sent = self._in_flight[0]
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
        async with asyncio.timeout(ACK_TIMEOUT_S):
            ack = await asyncio.shield(_awaited(sent.ack))
        appended = broker_time(ack)
        if appended is not None:
            self._on_append(appended, sent.sent_at, read_clock().steady)
        between = self._unconfirmed.acknowledged(ack.offset)
        read = None if between is None else await self._read_between(between)
        self._unconfirmed.confirm(ack.offset, read)
        self.reached = sent.reached
        self._in_flight.popleft()

    async def _read_between(self, between: OffsetsToRead) -> Head:
        """The accepted head there, which is the oldest batch's. Raises LostLeadError if it is another one."""
        acceptance = self._acceptance_from(self.confirmed)
        async with (
            asyncio.timeout(READ_BACK_TIMEOUT_S),
            partition_contents(
                self._connection, self._place, start=between.start, end=between.end
            ) as contents,
        ):
            async for records in contents:
                for record in records:
                    acceptance.offer(record.offset, record.value, record.headers)
        if not self._unconfirmed.is_accepted(acceptance.head):
            place = f"{self._place.topic}/{self._place.partition}"
            seq = self._unconfirmed.oldest_seq
            raise LostLeadError(f"{place}: another writer's run was accepted at seq {seq}")
        return acceptance.head


def broker_time(ack: RecordMetadata) -> int | None:
    """The broker's time of an append, ms since 1970; None where it only returns the sender's time."""
    return ack.timestamp if ack.timestamp_type == _LOG_APPEND_TIME else None


async def _awaited(ack: Awaitable[RecordMetadata]) -> RecordMetadata:
    return await ack
