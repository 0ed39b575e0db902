"""Read the ledger's partitions through the acceptance rule."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent_contracts.acceptance import Acceptance, Accepted, Head
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify
from assent_contracts.topics import LEDGER


def acceptance_of(partition: int, governance: GovernanceFollower, head: Head | None = None) -> Acceptance:
    """The acceptance rule for one partition of the request ledger, from a head on."""
    return Acceptance(
        "ledger",
        partition,
        identity=governance.identity,
        writers=governance.writers,
        verify=verify,
        head=head,
    )


async def accept(
    acceptance: Acceptance, records: Sequence[ConsumerRecord], governance: GovernanceFollower
) -> list[Accepted]:
    """Offer records to the rule, in offset order; what became accepted, in order.

    Raises KafkaError or NotFollowingError before anything is offered: the caller may try again.
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
    """Accepted records of some partitions, from given heads, as they come."""

    def __init__(
        self, connection: Connection, governance: GovernanceFollower, heads: Mapping[int, Head | None]
    ) -> None:
        """`heads`: from where to read each partition; None is its start."""
        self._connection = connection
        self._governance = governance
        self.acceptances = {
            partition: acceptance_of(partition, governance, head) for partition, head in heads.items()
        }
        self._consumer: AIOKafkaConsumer | None = None
        self._read_to = {
            partition: acceptance.head.next_offset for partition, acceptance in self.acceptances.items()
        }

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._consumer = await reading(
            self._connection,
            {TopicPartition(LEDGER, partition): at for partition, at in self._read_to.items()},
        )

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def poll(
        self, *, timeout_ms: int = 500, max_records: int | None = None
    ) -> dict[int, list[Accepted]]:
        """What became accepted, by partition; empty when nothing came within `timeout_ms`.

        Raises KafkaError, after which it may be called again, and NotFollowingError.
        """
        assert self._consumer is not None
        self._governance.check()
        fetched = await fetch(self._consumer, timeout_ms=timeout_ms, max_records=max_records)
        try:
            for records in fetched.values():
                await _learn(records, self._governance)
        except BaseException:
            # Nothing has been offered: the same records must come again.
            for number, offset in self._read_to.items():
                self._consumer.seek(TopicPartition(LEDGER, number), offset)
            raise
        accepted = {
            place.partition: _offer(self.acceptances[place.partition], records)
            for place, records in fetched.items()
        }
        self._read_to = {place.partition: at for place, at in (await positions(self._consumer)).items()}
        return accepted

    async def end_offsets(self) -> dict[int, int]:
        """The offsets at which the partitions end now."""
        assert self._consumer is not None
        partitions = [TopicPartition(LEDGER, number) for number in self.acceptances]
        ends = await self._consumer.end_offsets(partitions)
        return {partition.partition: end for partition, end in ends.items()}

    def offsets_read(self) -> int:
        """How many offsets lie behind, of all partitions."""
        return sum(self._read_to.values())

    def positions(self) -> dict[int, int]:
        """The offsets up to which the partitions have been read."""
        return dict(self._read_to)

    def has_read(self, ends: dict[int, int]) -> bool:
        """Whether every partition has been read up to these offsets."""
        return all(self._read_to[number] >= end for number, end in ends.items())
