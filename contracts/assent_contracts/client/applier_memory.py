"""Compare what an applier remembers of the log with the log: is it still the one that it has read?"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.applier_journal_records import Position
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.partition_probe import LOOK_EVERY_S, Probe
from assent_contracts.digests import sha256_hex
from assent_contracts.eras import era_of
from assent_contracts.heads import Finding, HeadInEra, known_of, remembered_after
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import CHANGES, LEDGER

_log: Final = logging.getLogger(__name__)


class ApplierMemory:
    """The memory of one applier, with its journal. It outlives single runs."""

    def __init__(self, connection: Connection, governance: GovernanceFollower, journal: Journal) -> None:
        """`governance` has been started, and has the accepted losses."""
        self._probe = Probe(connection)
        self._governance = governance
        self._era = era_of(governance.losses)
        self._journal = journal
        self._heads = journal.heads()
        self.differing: dict[int, Finding] = {}
        """The ledger partitions that differed from what is remembered, as of the last `compare`."""

    async def stop(self) -> None:
        """Disconnect."""
        await self._probe.stop()

    async def compare(self) -> None:
        """Find out, before a run, which partitions differ. Raises KafkaError, TimeoutError, OSError."""
        await self._count_losses_off()
        self.differing = await self._compared()

    async def _count_losses_off(self) -> None:
        """Forget heads that were given up with an accepted loss, and warn that their changes stay applied."""
        losses = self._governance.losses
        self._era = era_of(losses)
        before, self._heads = self._heads, remembered_after(self._heads, losses)
        if self._heads == before:
            return
        self._journal.keep_heads(self._heads)
        await self._journal.durable()
        for partition, was in before.items():
            now = self._heads.get(partition)
            if now is None or now.head.seq < was.head.seq:
                _log.warning(
                    "%s/%d: a loss was accepted. This applier had read to seq %d and continues after seq %d."
                    " Changes that it has applied and that were given up stay in its target, but are not on"
                    " the ledger: compare the two by hand.",
                    LEDGER,
                    partition,
                    was.head.seq,
                    -1 if now is None else now.head.seq,
                )

    async def until_otherwise(self) -> None:
        """Return when another loss was accepted, or when the differences have changed.

        It does not look for a first difference: the reader notices that.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if era_of(self._governance.losses) != self._era:
                return
            if self.differing:
                try:
                    if _kinds(await self._compared()) != _kinds(self.differing):
                        return
                except (KafkaError, TimeoutError) as error:
                    _log.info("the ledger could not be compared: %r", error)

    async def _compared(self) -> dict[int, Finding]:
        known = [known_of("ledger", partition, each.head) for partition, each in self._heads.items()]
        found = {finding.place: finding for finding in await self._probe.findings(known)}
        return {n: found[f"{LEDGER}/{n}"] for n in self._heads if f"{LEDGER}/{n}" in found}

    def is_differing(self, request: str) -> bool:
        """Whether a request id belongs to a partition that differs."""
        place = parse_request_id(request)
        return place is not None and place[0] in self.differing

    def known(self) -> dict[int, HeadInEra]:
        """The heads that the ledger must have in the partitions that are acted on."""
        return {n: each for n, each in self._heads.items() if n not in self.differing}

    async def keep(self, heads: Mapping[int, HeadInEra]) -> None:
        """Store durably that the ledger was read up to these heads. Differing ones stay as they were."""
        read = {n: head for n, head in heads.items() if n not in self.differing}
        now = {**self._heads, **read}
        if now != self._heads:
            self._journal.keep_heads(now)
            await self._journal.durable()
            self._heads = now

    async def start(self, partition: int) -> int:
        """The offset from which to read a partition of `assent.changes`. Raises KafkaError, TimeoutError.

        This is the stored position, or the beginning if there is another record or none at it, because then
        the topic was recreated.
        """
        place, position = TopicPartition(CHANGES, partition), self._journal.position(partition)
        there = (await self._probe.found({place: position.offset}))[place]
        another = bool(there.sha256 and position.sha256) and there.sha256 != position.sha256
        if there.end < position.offset or another:
            return there.beginning
        return max(there.beginning, position.offset)


def _kinds(findings: Mapping[int, Finding]) -> dict[int, str]:
    return {partition: finding.kind for partition, finding in findings.items()}


def position_after(offset: int, value: bytes | None) -> Position:
    """The position after the record at `offset`."""
    return Position(offset + 1, "" if value is None else sha256_hex(value))
