"""While a partition is led: publish its confirmed head every few seconds, and check that it is there."""

import asyncio
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from assent.decider.completeness import input_finding, input_place, ledger_place
from assent.decider.known_heads import KnownHeads
from assent.decider.missing_log_parts import MissingError
from assent.decider.term import Term
from assent.ledger.appender import Appender, LostLeadError
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.partition_probe import Probe
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.eras import era_of
from assent_contracts.heads import Place, SignedHead, compare, known_from

EVERY_S: Final = 3.0
_LAST_WITHIN_S: Final = 5.0


class LedPartitionWatch:
    """Watches over one partition for one term, in the era in which its ledger was read."""

    def __init__(
        self,
        place: Place,
        writer: PartitionWriter[Any],
        term: Term,
        appender: Appender,
        connection: Connection,
        known: KnownHeads,
        follower: GovernanceFollower,
        era: str,
    ) -> None:
        self._place = place
        self._term = term
        self._epoch = writer.epoch
        self._appender = appender
        self._connection = connection
        self._known = known
        self._follower = follower
        self._era = era
        self._said: SignedHead | None = None

    async def run(self) -> None:
        """Run until cancelled. Raises MissingError, and LostLeadError once a loss is accepted."""
        async with Probe(self._connection) as probe:
            while True:
                try:
                    await self.say()
                    await asyncio.sleep(EVERY_S)
                    self._check_era()
                    await self._look(probe)
                except (KafkaError, TimeoutError, OSError) as error:
                    # Deciding continues for as long as Kafka takes its records, or ends by itself.
                    structlog.get_logger().warning(
                        "the head could not be made known", partition=self._place, error=repr(error)
                    )
                    await asyncio.sleep(EVERY_S)

    def _check_era(self) -> None:
        if era_of(self._follower.losses) != self._era:
            raise LostLeadError(f"{self._place}: a loss was accepted, and what was read may be given up")

    async def say_last(self) -> None:
        """At the end of the term: publish its last confirmed head, if Kafka still accepts it."""
        try:
            async with asyncio.timeout(_LAST_WITHIN_S):
                await self.say()
        except (KafkaError, TimeoutError, OSError) as error:
            structlog.get_logger().warning(
                "the last head was not made known", partition=self._place, error=repr(error)
            )

    async def say(self) -> None:
        """Publish the confirmed head, unless it is published. Raises KafkaError, TimeoutError, OSError."""
        head = self._head()
        if head.seq >= 0 and head != self._said:
            await self._known.make_known(head)
            self._said = head

    def _head(self) -> SignedHead:
        confirmed, reached = self._appender.confirmed, self._appender.reached
        nothing_yet = confirmed.seq == self._term.head.seq
        return SignedHead(
            ledger=self._place[0],
            partition=self._place[1],
            seq=confirmed.seq,
            sha256=confirmed.value_sha256,
            next_offset=self._term.head_end if nothing_yet else confirmed.next_offset,
            next_input=reached.next_input,
            at=reached.at,
            epoch=self._epoch,
            era=self._era,
        )

    async def _look(self, probe: Probe) -> None:
        head, reached = self._head(), self._appender.reached
        ledger, commands = ledger_place(self._place), input_place(self._place)
        found = await probe.found({ledger: head.next_offset, commands: reached.next_input})
        finding = compare(known_from(head), found[ledger]) or input_finding(
            self._place, reached.next_input, reached.input_sha256, found[commands]
        )
        if finding is not None:
            raise MissingError(finding)
