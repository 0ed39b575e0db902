"""Check what is in partitions now, beside their readers, and compare it with what is known."""

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Self

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from assent_contracts.client.connection import SEEK_MAX_WAIT_MS, Connection, Consumer, started
from assent_contracts.client.record_fetching import positions
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import (
    NOTHING,
    Finding,
    Found,
    HeadInEra,
    KnownHead,
    compare,
    has_read_given_up,
    known_of,
)
from assent_contracts.topics import LEDGER_TOPICS, ledger_of

LOOK_EVERY_S: Final = 5.0
"""How often a reader of a ledger checks whether it is still the one that it has read."""
_WITHIN_S: Final = 15.0
_FETCH_MAX_BYTES: Final = 64 * 1024
"""Small, because one record of each partition is needed. A larger record is fetched anyway."""
_POLL_MS: Final = 200


class LedgerDiffersError(KafkaError):
    """A ledger is not the one that was read: it was cut, restored or recreated. Continue once it is back."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: Final = tuple(findings)
        super().__init__(" ".join(finding.why for finding in self.findings))


class Probe:
    """Checks partitions with its own consumer. Many tasks may use one instance."""

    def __init__(self, connection: Connection) -> None:
        """It connects when it is first used."""
        self._connection = connection
        self.ends: dict[TopicPartition, int] = {}
        """The ends (offsets) of partitions, as `found` saw them last."""
        self._consumer: Consumer | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """For a single use."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect."""
        await self.stop()

    async def stop(self) -> None:
        """Disconnect. Safe to call if it was never used."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()

    async def findings(self, known: Iterable[KnownHead]) -> list[Finding]:
        """What is missing of the known heads, which must have been known before this call.

        Raises KafkaError, TimeoutError. Then nothing was found out.
        """
        heads = {TopicPartition(LEDGER_TOPICS[each.ledger], each.partition): each for each in known}
        there = await self.found({place: head.next_offset for place, head in heads.items()})
        compared = (compare(head, there[place]) for place, head in heads.items())
        return [finding for finding in compared if finding is not None]

    async def of_reader(
        self, read: Mapping[TopicPartition, HeadInEra], losses: Sequence[Loss]
    ) -> dict[TopicPartition, Finding]:
        """The same for the ledger partitions that a reader has read, by partition.

        `losses`: all that governance has accepted, in order. Raises as `findings` does.
        """
        there = await self.found({place: each.head.next_offset for place, each in read.items()})
        findings: dict[TopicPartition, Finding] = {}
        for place, each in read.items():
            ledger = ledger_of(place.topic)
            # First what a loss has given up: no record that is there now brings it back.
            finding = has_read_given_up(ledger, place.partition, each, losses) or compare(
                known_of(ledger, place.partition, each.head), there[place]
            )
            if finding is not None:
                findings[place] = finding
        return findings

    async def found(self, before: Mapping[TopicPartition, int]) -> dict[TopicPartition, Found]:
        """Where partitions begin and end, and the hash of the record before each of the offsets.

        For offset 0 no record is read, because there is none before it. Raises KafkaError, TimeoutError.
        """
        if not before:
            return {}
        # Not wait_for: before Python 3.12 it loses a cancellation that arrives together with the answer.
        async with asyncio.timeout(_WITHIN_S), self._lock:
            consumer = await self._started()
            beginnings = await consumer.beginning_offsets(list(before))
            ends = await consumer.end_offsets(list(before))
            self.ends |= ends
            wanted = {
                place: offset - 1
                for place, offset in before.items()
                if beginnings[place] < offset <= ends[place]
            }
            hashes = await _hashes(consumer, wanted) if wanted else {}
        return {
            place: Found(beginning=beginnings[place], end=ends[place], sha256=hashes.get(place))
            for place in before
        }

    async def hashes(self, place: TopicPartition, wanted: Collection[int]) -> dict[int, str]:
        """The SHA-256 (hex) of the records at these offsets, which are in the topic; NOTHING for no record.

        Long stretches between the offsets are not read. Raises KafkaError, TimeoutError. The time limit
        applies to each record.
        """
        hashes: dict[int, str] = {}
        async with self._lock:
            for offset in sorted(wanted):
                if offset not in hashes:
                    async with asyncio.timeout(_WITHIN_S):
                        await self._hash_from(place, offset, wanted, hashes)
        return hashes

    async def _hash_from(
        self, place: TopicPartition, offset: int, wanted: Collection[int], hashes: dict[int, str]
    ) -> None:
        """Fetch until it is known what is at `offset`. Keep other wanted records that arrive with it."""
        consumer = await self._started()
        consumer.assign([place])
        consumer.seek(place, offset)
        try:
            while (await positions(consumer, place))[place] <= offset:
                for record in (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, ()):
                    if record.offset in wanted:
                        hashes[record.offset] = _sha256(record)
        finally:
            consumer.pause(place)
        hashes.setdefault(offset, NOTHING)

    async def first_since(self, place: TopicPartition, at_ms: int) -> int | None:
        """The first offset whose record is not older than `at_ms` by Kafka's timestamp, if any.

        Raises KafkaError, TimeoutError.
        """
        async with asyncio.timeout(_WITHIN_S), self._lock:
            consumer = await self._started()
            found = (await consumer.offsets_for_times({place: max(0, at_ms)}))[place]
        return None if found is None else found.offset

    async def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has now; None if there is no such topic.

        Raises KafkaError, TimeoutError.
        """
        async with asyncio.timeout(_WITHIN_S), self._lock:
            consumer = await self._started()
            # The consumer's cached metadata may be minutes old.
            cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001
        there = cluster.partitions_for_topic(topic)
        return None if there is None else len(there)

    async def _started(self) -> Consumer:
        if self._consumer is None:
            consumer = Consumer(
                **self._connection.options(),
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=_FETCH_MAX_BYTES,
                fetch_max_wait_ms=SEEK_MAX_WAIT_MS,
            )
            await started(consumer)
            self._consumer = consumer
        return self._consumer


async def _hashes(consumer: Consumer, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, str]:
    consumer.assign(list(wanted))
    for place, offset in wanted.items():
        consumer.seek(place, offset)
    hashes: dict[TopicPartition, str] = {}
    left = dict(wanted)
    try:
        while left:
            fetched = await consumer.getmany(*left, timeout_ms=_POLL_MS)
            for place, records in fetched.items():
                hashes[place] = _hash_at(left[place], records)
            # A transaction marker has an offset but is never delivered. The position moves past it.
            passed = [place for place, at in (await positions(consumer, *left)).items() if at > left[place]]
            for place in passed:
                hashes.setdefault(place, NOTHING)
                consumer.pause(place)
                del left[place]
    finally:
        consumer.pause(*consumer.assignment())
    return hashes


def _hash_at(offset: int, records: Iterable[ConsumerRecord]) -> str:
    for record in records:
        if record.offset == offset:
            return _sha256(record)
    return NOTHING


def _sha256(record: ConsumerRecord) -> str:
    # A command without a value is decided like an empty one.
    return hashlib.sha256(record.value or b"").hexdigest()
