"""Compares the log with what Postgres knows of it, at the start and then regularly.

Rows are only as true as the log that they were made from. Where a partition was cut, restored or recreated,
nothing more of it is projected. The reader is then not ready, and reports what it knew and what it finds. It
continues by itself once the right log is back. A table that is older than the log simply catches up.
"""

from collections.abc import Sequence

import asyncpg
from aiokafka import TopicPartition

from assent.observe.health import Health
from assent.observe.ledger_mismatch import LedgerMismatch
from assent.store.positions import Reader, read_positions
from assent.store.postgres_heads import known_in_postgres
from assent_contracts.acceptance import first_head
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower, NotFollowingError, NotFoundedError
from assent_contracts.client.partition_probe import Probe
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import Finding, HeadInEra
from assent_contracts.topics import GOVERNANCE, ledger_of

_GOVERNANCE = TopicPartition(GOVERNANCE, 0)


class LogWatch:
    """One reader's partitions, and the governance ledger by which all of them are judged."""

    def __init__(
        self, reader: Reader, pool: asyncpg.Pool, connection: Connection, identity: str, health: Health
    ) -> None:
        """`pool` acts in the reader's role; `identity` is the log's."""
        self._reader: Reader = reader
        self._pool = pool
        self._identity = identity
        self._connection = connection
        self._probe = Probe(connection)
        self._history = LedgerMismatch(health)
        self._read: dict[TopicPartition, HeadInEra] = {}
        self._findings: dict[TopicPartition, Finding] = {}
        self.ends: dict[TopicPartition, int] = {}
        """The ends (offsets) of the partitions of which there are rows, as of the last look."""

    async def stop(self) -> None:
        """Disconnect."""
        await self._probe.stop()

    async def look(self, governance: GovernanceFollower | None = None) -> None:
        """Compare, and report. `governance`: the follower that this reader uses, once there is one.

        Raises KafkaError, TimeoutError, NotFollowingError, and asyncpg's errors; earlier reports then stay.
        """
        # The tables first: a log that has only grown since then extends beyond them.
        self._read.update(await read_positions(self._pool, self._reader))
        read = dict(self._read)
        losses = () if governance is None else governance.losses
        findings = await self._probe.of_reader(read, losses)
        if governance is None and _GOVERNANCE in findings:
            # These tables may be older than an accepted loss, which needs a different remedy.
            findings = await self._probe.of_reader(read, await self._losses())
        less = None if governance is None else await self._less_governance(governance)
        if less is not None:
            findings.setdefault(_GOVERNANCE, less)
        self._findings = findings
        self.ends = dict(self._probe.ends)
        for place in {_GOVERNANCE, *read}:
            self._history.tell(f"{place.topic}/{place.partition}", findings.get(place))

    async def _losses(self) -> Sequence[Loss]:
        """The losses that governance has accepted, as far as it can be read."""
        follower = GovernanceFollower(self._connection, self._identity)
        try:
            await follower.start()
        except (NotFoundedError, NotFollowingError):
            return ()
        else:
            return follower.losses
        finally:
            await follower.stop()

    async def _less_governance(self, governance: GovernanceFollower) -> Finding | None:
        """What is missing from governance, by the heads that Postgres has.

        With a restored, older governance, what was given up with a loss would count again.
        """
        known = (await known_in_postgres(self._pool, governance)).get(("governance", 0))
        return None if known is None else await governance.hold_against(known)

    def differs(self, place: TopicPartition) -> bool:
        """Whether a partition must not be read: it, or governance, differs from what is known of it."""
        return place in self._findings or _GOVERNANCE in self._findings

    @property
    def governance_differs(self) -> bool:
        """Whether governance differed from what is known of it at the last look."""
        return _GOVERNANCE in self._findings

    def start_at(self, place: TopicPartition) -> int:
        """The offset from which to read a partition, as far as it is known here."""
        start = HeadInEra(first_head(ledger_of(place.topic), self._identity))
        return self._read.setdefault(place, start).head.next_offset
