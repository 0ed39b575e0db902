"""What Postgres knows of the log, held against the log: at the start, and again and again.

Rows are only as true as the log that they were made from. Where a partition was cut, put back or made anew,
nothing more is projected of it: the reader is not ready and says what it knew and what it finds, and goes on
by itself once the right log is back. A table that is older than the log only catches up.
"""

from collections.abc import Sequence

import asyncpg
from aiokafka import TopicPartition

from assent.observe.health import Health
from assent.observe.history import History
from assent.store.intake import ledger_of
from assent.store.positions import Reader, read_positions
from assent_contracts.acceptance import Head, first_head
from assent_contracts.client.connection import Connection
from assent_contracts.client.probe import Probe
from assent_contracts.governed import Loss
from assent_contracts.heads import Finding, known_of


class LogWatch:
    """One reader's partitions."""

    def __init__(
        self, reader: Reader, pool: asyncpg.Pool, connection: Connection, identity: str, health: Health
    ) -> None:
        """`pool` acts in the reader's role; `identity` is the log's."""
        self._reader: Reader = reader
        self._pool = pool
        self._identity = identity
        self._probe = Probe(connection)
        self._history = History(health)
        self._known: dict[TopicPartition, Head] = {}
        self._findings: dict[TopicPartition, Finding] = {}

    async def stop(self) -> None:
        """Disconnect."""
        await self._probe.stop()

    async def look(self, losses: Sequence[Loss] = ()) -> None:
        """Compare, and tell. `losses`: what governance has accepted, as far as it is known yet.

        Raises KafkaError, TimeoutError, and what asyncpg raises: all stays as told.
        """
        # The tables first: a log that has only grown since reaches beyond them.
        async with self._pool.acquire() as connection:
            self._known.update(await read_positions(connection, self._reader))
        known = dict(self._known)
        heads = [known_of(ledger_of(place), place.partition, head) for place, head in known.items()]
        found = await self._probe.findings(heads, losses)
        by_name = {finding.place: finding for finding in found}
        self._findings = {place: by_name[_name(place)] for place in known if _name(place) in by_name}
        for place in known:
            self._history.tell(_name(place), self._findings.get(place))

    def differs(self, place: TopicPartition) -> bool:
        """Whether a partition was not what is known of it when it was looked at last."""
        return place in self._findings

    def start_at(self, place: TopicPartition) -> int:
        """From which offset a partition is to be read, as far as it is known here."""
        return self._known.setdefault(place, first_head(ledger_of(place), self._identity)).next_offset


def _name(place: TopicPartition) -> str:
    return f"{place.topic}/{place.partition}"
