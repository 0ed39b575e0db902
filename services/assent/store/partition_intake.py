"""Records from a ledger partition, through the acceptance rule, in offset order."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord, TopicPartition

from assent_contracts.acceptance import Acceptance, Accepted, Head
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.ledger_reader import accept_records, acceptance_of
from assent_contracts.eras import era_of
from assent_contracts.heads import HeadInEra
from assent_contracts.topics import GOVERNANCE


class PartitionIntake:
    """One partition of either ledger, from a durable head on.

    It knows which offset must come next. It holds at most one open run, which may span several batches.
    """

    def __init__(self, place: TopicPartition, head: Head, governance: GovernanceFollower) -> None:
        self.place = place
        self.durable = head
        """The accepted head that Postgres has."""
        self.expected = head.next_offset
        self._governance = governance
        self._era = era_of(governance.losses)
        self._sought: int | None = None
        self._told = 0
        if place.topic == GOVERNANCE:
            self._acceptance = Acceptance(
                "governance",
                0,
                identity=governance.identity,
                writers=governance.writers,
                verify=verify_signature,
                head=head,
            )
        else:
            self._acceptance = acceptance_of(place.partition, governance, head)

    @property
    def read(self) -> HeadInEra:
        """The accepted head, which Postgres may not have yet, and the era in which it was accepted."""
        return HeadInEra(self._acceptance.head, self._era)

    def newly_quarantined(self) -> int:
        """How many records the rule has dropped since this was last asked."""
        told, self._told = self._told, self._acceptance.quarantined
        return self._told - told

    def follows(self, records: Sequence[ConsumerRecord]) -> bool:
        """Whether the records continue where the last ones ended, perhaps after some that were seen before.

        When they do not, the consumer must seek to `expected`. A gap that is still there after that is real,
        since a transaction's control record has an offset but is never delivered. (Where the partition does
        not reach `expected`, no records come at all.)
        """
        first, last = records[0].offset, records[-1].offset
        if first > self.expected and self._sought == self.expected:
            self.expected = first
        if first <= self.expected <= last:
            self._sought = None
            return True
        self._sought = self.expected
        return False

    async def take(self, records: Sequence[ConsumerRecord]) -> list[Accepted]:
        """The records that were accepted. Raises KafkaError when governance cannot be read."""
        skip = self.expected - records[0].offset
        fresh = [record for record in records if record.offset >= self.expected] if skip > 0 else records
        if self.place.topic == GOVERNANCE:
            accepted = await self._take_governance(fresh)
        else:
            accepted = await accept_records(self._acceptance, fresh, self._governance)
        if accepted:
            # Set now, because a loss that governance records later may give up what was just accepted.
            self._era = era_of(self._governance.losses)
        self.expected = records[-1].offset + 1
        return accepted

    async def _take_governance(self, records: Sequence[ConsumerRecord]) -> list[Accepted]:
        accepted: list[Accepted] = []
        for record in records:
            # A governance record is judged by what was accepted before it.
            if record.headers and self._governance.writers.head < self._acceptance.head.seq:
                await self._governance.catch_up()
            accepted.extend(self._acceptance.offer(record.offset, record.value, record.headers))
        if self._governance.writers.head < self._acceptance.head.seq:
            # The record that accepts a loss is the first of its era.
            await self._governance.catch_up()
        return accepted
