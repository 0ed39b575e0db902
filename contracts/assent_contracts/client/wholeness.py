"""Whether the request ledger holds what a client knows of it, looked at again and again."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent_contracts.client.connection import Connection
from assent_contracts.client.lookout import Lookout
from assent_contracts.findings import compare_partitions
from assent_contracts.heads import Finding, KnownHead, compare
from assent_contracts.topics import COMMANDS, LEDGER

EVERY_S: Final = 2.0


class Wholeness:
    """What is missing of each partition, as of the last look."""

    def __init__(
        self, connection: Connection, partitions: int, known: Callable[[], Mapping[int, KnownHead]]
    ) -> None:
        """`known`: asked at each look, by partition. `partitions`: as many as governance says."""
        self.findings: dict[int, Finding] = {}
        self._connection = connection
        self._partitions = partitions
        self._known = known

    async def look(self) -> None:
        """Look once. Raises KafkaError, TimeoutError, and what was found before stays."""
        places = {number: TopicPartition(LEDGER, number) for number in range(self._partitions)}
        async with Lookout(self._connection, [*places.values(), TopicPartition(COMMANDS, 0)]) as lookout:
            known = self._known()
            found = await lookout.found(
                {place: known[n].next_offset - 1 if n in known else -1 for n, place in places.items()}
            )
            there = lookout.partitions(COMMANDS)
        findings: dict[int, Finding] = {}
        other = None if there is None else compare_partitions(COMMANDS, founded=self._partitions, there=there)
        for number, place in places.items():
            nothing = KnownHead(ledger="ledger", partition=number, seq=-1, sha256="", next_offset=0)
            finding = other or compare(known.get(number, nothing), found[place])
            if finding is not None:
                findings[number] = finding
        self.findings = findings

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            # A Kafka that is away says nothing about what it holds.
            with suppress(KafkaError, TimeoutError):
                await self.look()
