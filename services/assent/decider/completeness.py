"""Compare a partition with what is known of its log, before it is led and while it is."""

import asyncio
from typing import Any, Final

from aiokafka import TopicPartition

from assent.decider.known_heads import LEARN_EVERY_S, KnownHeads
from assent.decider.missing_log_parts import MissingError
from assent.decider.term import Term
from assent.ledger.topic_inspection import look_at_topics
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.partition_probe import Probe
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.findings import compare_decided, compare_input
from assent_contracts.heads import (
    Finding,
    Found,
    KnownHead,
    Place,
    compare,
    next_input,
    nothing_known,
)
from assent_contracts.topics import COMMANDS, GOVERNANCE_COMMANDS, HEADS, LEDGER_TOPICS, LedgerName

_GOVERNANCE: Final[Place] = ("governance", 0)
INPUT_TOPICS: Final[dict[LedgerName, str]] = {"ledger": COMMANDS, "governance": GOVERNANCE_COMMANDS}


def ledger_place(place: Place) -> TopicPartition:
    """The topic and partition of a place's ledger."""
    return TopicPartition(LEDGER_TOPICS[place[0]], place[1])


def input_place(place: Place) -> TopicPartition:
    """The topic and partition of a place's commands."""
    return TopicPartition(INPUT_TOPICS[place[0]], place[1])


class Completeness:
    """Checks whether a log is complete, as far as this decider knows."""

    def __init__(self, connection: Connection, follower: GovernanceFollower, known: KnownHeads) -> None:
        self._connection = connection
        self._follower = follower
        self._known = known
        self._topics: list[Finding] = []
        self._topics_at: float | None = None
        self._looking = asyncio.Lock()

    async def before(self, place: Place) -> KnownHead | None:
        """What is known of a ledger partition before it is read; None for nothing.

        Raises MissingError, KafkaError, TimeoutError, HeadsFileError, UnknownError.
        """
        # This comes first: without `assent.heads` there is nothing to learn from.
        await self._look_at_topics()
        self._check_topics(place)
        await self._known.learn()
        # By a restored, older governance ledger, a disabled account would be enabled again.
        governance = self._known.of(_GOVERNANCE)
        if governance is not None:
            _raise(await self._follower.hold_against(governance))
        for each in {place, _GOVERNANCE}:
            _raise(self._known.contradiction(each))
        known = self._known.of(place)
        _raise(await self._differing(known or nothing_known(*place)))
        return known

    async def _differing(self, known: KnownHead) -> Finding | None:
        async with Probe(self._connection) as probe:
            return next(iter(await probe.findings([known])), None)

    async def _look_at_topics(self) -> None:
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if self._topics_at is None or now - self._topics_at > LEARN_EVERY_S:
                self._topics = await look_at_topics(self._connection, self._follower.partitions)
                self._topics_at = asyncio.get_running_loop().time()

    def _check_topics(self, place: Place) -> None:
        concerning = {LEDGER_TOPICS[place[0]], INPUT_TOPICS[place[0]], LEDGER_TOPICS["governance"], HEADS}
        for finding in self._topics:
            if place[0] == "ledger" or finding.topic in concerning:
                raise MissingError(finding)

    async def after(
        self, place: Place, known: KnownHead | None, writer: PartitionWriter[Any], term: Term
    ) -> None:
        """Check the chain and the commands after the ledger was read, and set where input continues.

        Raises MissingError, KafkaError, TimeoutError.
        """
        if known is not None and known.seq >= 0:
            end = max(term.head.next_offset, known.next_offset)
            _raise(compare(known, Found(beginning=0, end=end, sha256=term.known_sha256)))
        losses, last = self._follower.losses, term.head.seq
        expected = next_input(*place, losses, read=term.next_input, decided=term.last.seq, last=last)
        writer.next_input = expected
        # After an accepted loss, input continues elsewhere, so the command before it is not the last decided
        # one.
        writer.input_sha256 = term.last.sha256 if expected == term.next_input else None
        async with Probe(self._connection) as probe:
            _, finding = await inputs_of(probe, place, term, expected)
        _raise(finding)


def input_finding(place: Place, expected: int, decided_sha256: str | None, found: Found) -> Finding | None:
    """What is wrong with a partition's commands."""
    there = input_place(place)
    return compare_input(
        there.topic, there.partition, next_input=expected, decided_sha256=decided_sha256, found=found
    )


async def inputs_of(probe: Probe, place: Place, term: Term, expected: int) -> tuple[Found, Finding | None]:
    """What the partition's commands hold, and what is missing if they continue at the offset `expected`.

    Raises KafkaError, TimeoutError.
    """
    there = input_place(place)
    found = (await probe.found({there: expected}))[there]
    finding = input_finding(place, expected, None, found)
    if finding is not None or expected != term.next_input:
        return found, finding
    decided = {at: sha256 for at, sha256 in term.decided_at().items() if at >= found.beginning}
    stands = await probe.hashes(there, decided.keys())
    return found, compare_decided(
        there.topic, there.partition, next_input=expected, decided=decided, stands=stands, end=found.end
    )


def _raise(finding: Finding | None) -> None:
    """Raises MissingError for a finding."""
    if finding is not None:
        raise MissingError(finding)
