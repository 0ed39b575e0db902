"""Look up single records of the ledgers by their offsets, with the proof that a writer sealed them there.

An offset comes from another source, such as a table, and is only a hint: the record there must prove itself.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from assent_contracts import limits, seal
from assent_contracts.client.connection import SEEK_MAX_WAIT_MS, Connection, Consumer, started
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.record_fetching import positions
from assent_contracts.ledger import LedgerRecord
from assent_contracts.proof import LedgerEntry, NotProven, Proof, RecordPlace, SealedRun, read_record
from assent_contracts.topics import GOVERNANCE, LEDGER

_OFFSET_MAX: Final = (1 << 63) - 1
_FETCH_MAX_BYTES: Final = 64 * 1024
"""Small, because few of the following records are needed. A larger record is fetched anyway."""
_POLL_MS: Final = 200
_GOVERNANCE: Final = TopicPartition(GOVERNANCE, 0)
_NOTHING_THERE: Final = NotProven("The ledger has no record at this offset.")
_ANOTHER: Final = NotProven("The ledger has another record at this offset.")


class LedgerLookup:
    """Looks up records, one at a time. Many tasks may use one instance."""

    def __init__(
        self, connection: Connection, governance: GovernanceFollower, partitions: Iterable[int]
    ) -> None:
        """`partitions` of the request ledger. It can always read the governance ledger."""
        self._connection = connection
        self._governance = governance
        self._places = {number: TopicPartition(LEDGER, number) for number in partitions}
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._consumer = Consumer(
            **self._connection.options(),
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=_FETCH_MAX_BYTES,
            fetch_max_wait_ms=SEEK_MAX_WAIT_MS,
        )
        await started(self._consumer)
        places = [*self._places.values(), _GOVERNANCE]
        self._consumer.assign(places)
        self._consumer.pause(*places)

    async def stop(self) -> None:
        """Disconnect. Safe to call if it has not started."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def run_at(
        self, partition: int, seq: int, offset: int, *, within_s: float = 3.0
    ) -> SealedRun | NotProven:
        """The run that proves the record `seq` of a partition, which should be at `offset`.

        Raises KafkaError, NotFollowingError, and TimeoutError if Kafka does not answer in time. Then nothing
        was found out.
        """
        place = self._places.get(partition)
        if place is None or not (0 <= seq <= _OFFSET_MAX and 0 <= offset < _OFFSET_MAX):
            return _NOTHING_THERE
        async with asyncio.timeout(within_s), self._lock:
            consumer = self._resume(place, offset)
            try:
                return await self._run(consumer, place, RecordPlace("ledger", partition, seq, self._identity))
            except OffsetOutOfRangeError:
                return _NOTHING_THERE
            finally:
                consumer.pause(place)

    async def governance_from(
        self, offset: int, *, max_bytes: int, within_s: float = 5.0
    ) -> tuple[list[LedgerEntry], int | None]:
        """The governance topic's records from an offset on, and the offset of the rest; None at its end.

        They include unaccepted records, because a run consists of adjacent records. Records that are too
        large for any reader are returned without their values. Raises KafkaError, TimeoutError.
        """
        entries: list[LedgerEntry] = []
        size = 0
        async with asyncio.timeout(within_s), self._lock:
            consumer = self._resume(_GOVERNANCE, offset)
            try:
                end = (await consumer.end_offsets([_GOVERNANCE]))[_GOVERNANCE]
                while offset < end:
                    for record in (await consumer.getmany(_GOVERNANCE, timeout_ms=_POLL_MS)).get(
                        _GOVERNANCE, ()
                    ):
                        entry = _entry(record)
                        size += len(entry.value or b"")
                        if entries and size > max_bytes:
                            return entries, record.offset
                        entries.append(entry)
                    offset = (await positions(consumer, _GOVERNANCE))[_GOVERNANCE]
            except OffsetOutOfRangeError:
                return [], None
            finally:
                consumer.pause(_GOVERNANCE)
        return entries, None

    @property
    def _identity(self) -> str:
        return self._governance.identity

    def _resume(self, place: TopicPartition, offset: int) -> AIOKafkaConsumer:
        assert self._consumer is not None
        self._consumer.seek(place, offset)
        self._consumer.resume(place)
        return self._consumer

    async def _run(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, where: RecordPlace
    ) -> SealedRun | NotProven:
        offset = await consumer.position(place)
        values: list[bytes] = []
        proof: Proof | None = None
        while True:
            records = (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])
            if not records and await _is_at_end(consumer, place):
                return _NOTHING_THERE
            await self._governance.know(record.value for record in records if record.headers)
            for record in records:
                if proof is None:
                    first = _first(record, where, offset)
                    if isinstance(first, NotProven):
                        return first
                    proof = Proof(where, first, self._governance.writers, verify_signature)
                taken = proof.take(record.value, record.headers)
                if isinstance(taken, NotProven):
                    return taken
                values.append(record.value or b"")
                if taken:
                    writer, signature = _sealing(record)
                    return SealedRun(values=tuple(values), writer=writer, seal=signature)


async def _is_at_end(consumer: AIOKafkaConsumer, place: TopicPartition) -> bool:
    end = (await consumer.end_offsets([place]))[place]
    return (await positions(consumer, place)).get(place, end) >= end


def _first(record: ConsumerRecord, where: RecordPlace, offset: int) -> LedgerRecord | NotProven:
    if record.offset != offset:
        return _ANOTHER
    first = read_record(record.value)
    return _ANOTHER if isinstance(first, LedgerRecord) and first.seq != where.seq else first


def _entry(record: ConsumerRecord) -> LedgerEntry:
    value = record.value
    if value is None or len(value) > limits.RECORD_MAX_BYTES:
        return LedgerEntry(offset=record.offset, value=None)
    try:
        writer, signature = _sealing(record)
    except UnicodeDecodeError:
        writer = signature = ""
    return LedgerEntry(offset=record.offset, value=value, writer=writer, seal=signature)


def _sealing(record: ConsumerRecord) -> tuple[str, str]:
    # The last header of a name counts, as in the acceptance rule. A header may have no content.
    headers: dict[str, bytes | None] = dict(record.headers)
    writer, signature = headers.get(seal.WRITER_HEADER), headers.get(seal.SEAL_HEADER)
    return (writer or b"").decode(), (signature or b"").decode()
