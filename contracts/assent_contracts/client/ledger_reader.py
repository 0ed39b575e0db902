"""Read the ledger's partitions with the acceptance rule."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from assent_contracts.acceptance import Acceptance, Accepted, Head
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.partition_probe import LOOK_EVERY_S, LedgerDiffersError, Probe
from assent_contracts.client.record_fetching import positions
from assent_contracts.client.task_end import end
from assent_contracts.eras import era_of
from assent_contracts.heads import Finding, HeadInEra
from assent_contracts.topics import LEDGER


def acceptance_of(partition: int, governance: GovernanceFollower, head: Head | None = None) -> Acceptance:
    """The acceptance rule for one partition of the request ledger, starting after a head."""
    return Acceptance(
        "ledger",
        partition,
        identity=governance.identity,
        writers=governance.writers,
        verify=verify_signature,
        head=head,
    )


async def accept_records(
    acceptance: Acceptance, records: Sequence[ConsumerRecord], governance: GovernanceFollower
) -> list[Accepted]:
    """Offer records to the rule, in offset order. Returns those that became accepted, in order.

    Raises KafkaError or NotFollowingError before any record is offered, so the caller may try again.
    """
    await _learn(records, governance)
    return _offer(acceptance, records)


async def _learn(records: Sequence[ConsumerRecord], governance: GovernanceFollower) -> None:
    await governance.know(record.value for record in records if record.headers)


def _offer(acceptance: Acceptance, records: Sequence[ConsumerRecord]) -> list[Accepted]:
    accepted: list[Accepted] = []
    offer = acceptance.offer
    for record in records:
        run = offer(record.offset, record.value, record.headers)
        if run:
            accepted.extend(run)
    return accepted


class LedgerReader:
    """Accepted records of some partitions, from given heads, as they arrive.

    It continues only while the partitions are the ones that it has read: not cut, restored or recreated.
    """

    def __init__(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        heads: Mapping[int, Head | None],
        *,
        known: Mapping[int, HeadInEra] | None = None,
        hold: bool = False,
    ) -> None:
        """`heads`: from where to read each partition; None is its start.

        `known`: heads of these partitions that were accepted before, if this reader starts from earlier ones.
        `hold`: instead of raising, stop reading in a partition that differs and continue in the others.
        """
        self._connection = connection
        self._governance = governance
        self._known = {} if known is None else dict(known)
        self.acceptances = {
            partition: acceptance_of(partition, governance, head) for partition, head in heads.items()
        }
        self._eras = dict.fromkeys(self.acceptances, era_of(governance.losses))
        """The era in which each partition's head was accepted."""
        self._consumer: AIOKafkaConsumer | None = None
        self._read_to = {
            partition: acceptance.head.next_offset for partition, acceptance in self.acceptances.items()
        }
        self._probe = Probe(connection)
        self._looking: asyncio.Task[None] | None = None
        self.findings: dict[int, Finding] = {}
        """The partitions that are not the ones that were read, as of the last check."""
        self._hold = hold
        self._held: set[int] = set()

    async def start(self) -> None:
        """Connect. Raises KafkaError, and LedgerDiffersError if this is not the known ledger."""
        self._consumer = await open_consumer(
            self._connection,
            {TopicPartition(LEDGER, partition): at for partition, at in self._read_to.items()},
        )
        try:
            await self._look()
            self._check()
        except BaseException:
            await self.stop()
            raise
        self._looking = asyncio.create_task(self._keep_looking(), name="ledger-looking")

    async def stop(self) -> None:
        """Disconnect."""
        if self._looking is not None:
            await end(self._looking)
        # Concurrently, so that a slow consumer does not leave the other one open if this is cancelled.
        stops = [self._probe.stop()]
        if self._consumer is not None:
            stops.append(self._consumer.stop())
        await asyncio.gather(*stops)

    def heads(self) -> dict[int, HeadInEra]:
        """The newest known accepted head of each partition, read now or before."""
        heads: dict[int, HeadInEra] = {}
        for partition, acceptance in self.acceptances.items():
            known, read = self._known.get(partition), HeadInEra(acceptance.head, self._eras[partition])
            heads[partition] = read if known is None or known.head.seq <= read.head.seq else known
        return heads

    async def _look(self) -> None:
        read = {TopicPartition(LEDGER, partition): head for partition, head in self.heads().items()}
        found = await self._probe.of_reader(read, self._governance.losses)
        self.findings = {place.partition: finding for place, finding in found.items()}

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look()
            except (KafkaError, TimeoutError):
                continue  # Kafka is unavailable, which `poll` reports

    def _check(self) -> None:
        if self.findings and not self._hold:
            raise LedgerDiffersError(self.findings.values())

    def _hold_what_differs(self) -> None:
        assert self._consumer is not None
        for partition in self.findings.keys() ^ self._held:
            place = TopicPartition(LEDGER, partition)
            if partition in self.findings:
                self._consumer.pause(place)
            else:
                self._consumer.seek(place, self._read_to[partition])
                self._consumer.resume(place)
        self._held = set(self.findings)

    async def poll(
        self, *, timeout_ms: int = 500, max_records: int | None = None
    ) -> dict[int, list[Accepted]]:
        """The newly accepted records, by partition; empty if none arrived within `timeout_ms`.

        Raises KafkaError (including LedgerDiffersError), after which it may be called again, and
        NotFollowingError.
        """
        assert self._consumer is not None
        self._governance.check()
        self._check()
        self._hold_what_differs()
        try:
            fetched = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=max_records)
        except OffsetOutOfRangeError:
            await self._out_of_range()
            return {}
        try:
            for records in fetched.values():
                await _learn(records, self._governance)
        except BaseException:
            # Nothing has been offered, so the same records must be fetched again.
            for number, offset in self._read_to.items():
                self._consumer.seek(TopicPartition(LEDGER, number), offset)
            raise
        accepted = {
            place.partition: _offer(self.acceptances[place.partition], records)
            for place, records in fetched.items()
        }
        # Immediately, because a loss that governance accepts later may give up what was accepted now.
        era = era_of(self._governance.losses)
        self._eras |= {partition: era for partition, records in accepted.items() if records}
        self._read_to = {place.partition: at for place, at in (await positions(self._consumer)).items()}
        return accepted

    async def until(self, ends: Mapping[int, int]) -> AsyncIterator[dict[int, list[Accepted]]]:
        """The result of each `poll`, until every partition is read to its offset in `ends`."""
        while any(self._read_to[number] < end for number, end in ends.items()):
            yield await self.poll()

    async def _out_of_range(self) -> None:
        """Continue from the head if only unaccepted records are missing; else raises LedgerDiffersError."""
        assert self._consumer is not None
        await self._look()
        self._check()
        ends = await self.end_offsets()
        for partition, read_to in self._read_to.items():
            if ends[partition] < read_to and partition not in self.findings:
                before = self.acceptances[partition]
                fresh = acceptance_of(partition, self._governance, before.head)
                fresh.quarantined = before.quarantined
                self.acceptances[partition] = fresh
                self._read_to[partition] = before.head.next_offset
                self._consumer.seek(TopicPartition(LEDGER, partition), before.head.next_offset)

    async def end_offsets(self) -> dict[int, int]:
        """The current end offsets of the partitions."""
        assert self._consumer is not None
        partitions = [TopicPartition(LEDGER, number) for number in self.acceptances]
        ends = await self._consumer.end_offsets(partitions)
        return {partition.partition: end for partition, end in ends.items()}

    def offsets_read(self) -> int:
        """How many offsets have been read in all partitions together."""
        return sum(self._read_to.values())

    def ends(self) -> dict[int, int]:
        """The ends (offsets) of the partitions, as far as the brokers have stated them with what was read."""
        assert self._consumer is not None
        found = {
            number: self._consumer.highwater(TopicPartition(LEDGER, number)) for number in self.acceptances
        }
        return {number: end for number, end in found.items() if end is not None}

    def positions(self) -> dict[int, int]:
        """The offsets up to which the partitions have been read."""
        return dict(self._read_to)
