"""Check regularly whether the request ledger has what a client knows of it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent_contracts.client.connection import Connection
from assent_contracts.client.partition_probe import Probe
from assent_contracts.findings import compare_partitions
from assent_contracts.heads import Finding, KnownHead, compare, nothing_known
from assent_contracts.topics import COMMANDS, LEDGER

EVERY_S: Final = 2.0


class LedgerCompleteness:
    """What is missing of each partition, as of the last check."""

    def __init__(
        self, connection: Connection, partitions: int, known: Callable[[], Mapping[int, KnownHead]]
    ) -> None:
        """`known`: returns the known heads by partition, at each check. `partitions`: as in governance."""
        self.findings: dict[int, Finding] = {}
        self._probe = Probe(connection)
        self._partitions = partitions
        self._known = known

    async def stop(self) -> None:
        """Disconnect."""
        await self._probe.stop()

    async def look(self) -> None:
        """Check once. Raises KafkaError, TimeoutError. Then the earlier findings stay."""
        places = {number: TopicPartition(LEDGER, number) for number in range(self._partitions)}
        there = await self._probe.partitions(COMMANDS)
        heard = self._known()
        known = {n: heard.get(n) or nothing_known("ledger", n) for n in places}
        found = await self._probe.found({place: known[n].next_offset for n, place in places.items()})
        findings: dict[int, Finding] = {}
        other = None if there is None else compare_partitions(COMMANDS, founded=self._partitions, there=there)
        for number, place in places.items():
            finding = other or compare(known[number], found[place])
            if finding is not None:
                findings[number] = finding
        self.findings = findings

    async def keep_looking(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            # While Kafka is unavailable, nothing is known about its records.
            with suppress(KafkaError, TimeoutError):
                await self.look()
