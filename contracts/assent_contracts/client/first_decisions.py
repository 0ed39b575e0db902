"""The records of past decisions, to which the answer to a repeated command points by seq."""

from bisect import bisect_right
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from assent_contracts.acceptance import Accepted, Head
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.ledger_lookup import LedgerLookup
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.ledger import LedgerRecord, decode_record
from assent_contracts.proof import NotProven

_WITHIN_S: Final = 10.0


class SeqOffsets:
    """The offset of each accepted record of a partition, from its seq.

    The two differ by the number of records before it that do not count. Only its changes are stored.
    """

    def __init__(self, head: Head) -> None:
        """`head`: from where the partition is read. Before it the difference is taken to be the same."""
        self._seqs = [-1]
        self._ahead = [head.next_offset - 1 - head.seq]

    def take(self, accepted: Accepted) -> None:
        """Consume the next accepted record."""
        ahead = accepted.offset - accepted.record.seq
        if ahead != self._ahead[-1]:
            self._seqs.append(accepted.record.seq)
            self._ahead.append(ahead)

    def offset(self, seq: int) -> int:
        """Where the record should be."""
        return seq + self._ahead[bisect_right(self._seqs, seq) - 1]


class PastRecords:
    """Looks up accepted records of all partitions by seq. Connects when it is first needed."""

    def __init__(self, connection: Connection, governance: GovernanceFollower) -> None:
        self._connection = connection
        self._governance = governance
        self._offsets: dict[int, SeqOffsets] = {}
        self._lookup: LedgerLookup | None = None

    def start_at(self, partition: int, head: Head) -> None:
        """State from where a partition is read."""
        self._offsets[partition] = SeqOffsets(head)

    def take(self, partition: int, accepted: Accepted) -> None:
        """Consume the next accepted record of a partition."""
        self._offsets[partition].take(accepted)

    async def stop(self) -> None:
        """Disconnect."""
        if self._lookup is not None:
            await self._lookup.stop()

    async def at(self, partition: int, seq: int) -> LedgerRecord | None:
        """The record; None if the partition has none. Raises KafkaError, TimeoutError."""
        if self._lookup is None:
            lookup = LedgerLookup(self._connection, self._governance, self._offsets)
            await lookup.start()
            self._lookup = lookup
        offset = self._offsets[partition].offset(seq)
        run = await self._lookup.run_at(partition, seq, offset, within_s=_WITHIN_S)
        if not isinstance(run, NotProven):
            return decode_record(run.values[0])
        # Records that do not count are in front of it, so it is searched for by the rule.
        async with aclosing(read_partition(self._connection, self._governance, partition)) as records:
            async for accepted in records:
                if accepted.record.seq == seq:
                    return accepted.record
        return None


async def read_partition(
    connection: Connection, governance: GovernanceFollower, partition: int
) -> AsyncGenerator[Accepted]:
    """The accepted records of a partition, from its start to its present end. Raises KafkaError."""
    reader = LedgerReader(connection, governance, {partition: None})
    await reader.start()
    try:
        async for polled in reader.until(await reader.end_offsets()):
            for accepted in polled.get(partition, ()):
                yield accepted
    finally:
        await reader.stop()
