"""Compare a log with the heads that are known outside Kafka: for `doctor` and `restore`."""

import os
from pathlib import Path
from typing import Final

import msgspec
import structlog
from aiokafka import TopicPartition

from assent.cli.last_decided import decided_before
from assent.cli.options import Options
from assent.decider.completeness import INPUT_TOPICS, input_finding
from assent.decider.heads_file import HeadsFileError, heads_file, read_heads_file
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads_topic import sift_beside, sift_topic
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.client.partition_probe import Probe
from assent_contracts.heads import (
    Finding,
    Found,
    KeptHead,
    KnownHead,
    Place,
    SignedHead,
    compare,
    era_of,
    is_void,
    known_heads,
    nothing_known,
)
from assent_contracts.topics import LEDGER_TOPICS

_STATE: Final = "state"


class OutsideHeads(msgspec.Struct, frozen=True):
    """What is known of a log outside its ledgers."""

    heads: list[SignedHead]
    """Signed by writers; also those that an accepted loss has made void."""
    known: dict[Place, KnownHead]


class PresentLog(msgspec.Struct, frozen=True):
    """What each partition contains now."""

    ledgers: dict[Place, Found]
    inputs: dict[Place, Found]
    """Each with the hash of the command before the newest head's `next_input`."""
    decided: dict[Place, str] = {}
    """The hash of that command as the ledger has it, where the ledger has one."""


def own_heads(data: Path, identity: str) -> list[KeptHead]:
    """The heads that the embedded decider keeps in a data directory. Raises HeadsFileError."""
    return read_heads_file(heads_file(data / _STATE / "decider", identity)) or []


def deciders_heads(options: Options, identity: str) -> list[KeptHead]:
    """The same for the log of --data; empty where ASSENT_KAFKA names a cluster's.

    Raises HeadsFileError.
    """
    return [] if "ASSENT_KAFKA" in os.environ else own_heads(options.data, identity)


def own_heads_if_readable(options: Options, identity: str) -> list[KeptHead]:
    """The same, but empty where this user may not read the decider's folder. Raises HeadsFileError."""
    try:
        return deciders_heads(options, identity)
    except HeadsFileError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        structlog.get_logger().info("the decider's file of heads is not ours to read", error=str(error))
        return []


async def outside_heads(
    connection: Connection, follower: GovernanceFollower, newest: NewestHeads, *kept: list[KeptHead]
) -> OutsideHeads:
    """All heads that count, from `newest`, `kept` in files, and the topic assent.heads. Raises KafkaError."""
    trusted = trusted_keys(follower.writers.public_keys())
    for of_file in kept:
        await sift_beside(newest, follower.identity, of_file, trusted)
    await sift_topic(connection, newest, follower.identity, trusted)
    heads = [head for head, _ in newest.heads()]
    return OutsideHeads(heads, known_heads(heads, follower.losses))


def places_of(follower: GovernanceFollower) -> list[Place]:
    """Every partition of every ledger: governance, then requests."""
    return [("governance", 0), *(("ledger", number) for number in range(follower.partitions))]


def newest_heads(outside: OutsideHeads, follower: GovernanceFollower) -> dict[Place, SignedHead]:
    """The newest known head of each partition, in the current era of the log."""
    newest: dict[Place, SignedHead] = {}
    for head in outside.heads:
        known = outside.known.get((head.ledger, head.partition))
        if head.era == era_of(follower.losses) and known is not None and known.seq == head.seq:
            newest[head.ledger, head.partition] = head
    return newest


async def present_log(
    connection: Connection, follower: GovernanceFollower, outside: OutsideHeads
) -> PresentLog:
    """What the partitions contain now. Raises KafkaError, TimeoutError."""
    await follower.catch_up()
    known, newest = outside.known, newest_heads(outside, follower)
    places = places_of(follower)
    ledgers = {place: TopicPartition(LEDGER_TOPICS[place[0]], place[1]) for place in places}
    inputs = {place: TopicPartition(INPUT_TOPICS[place[0]], place[1]) for place in places}
    before = {ledgers[place]: (known.get(place) or nothing_known(*place)).next_offset for place in places}
    async with Probe(connection) as probe:
        found = await probe.found(
            before | {inputs[place]: newest[place].next_input if place in newest else 0 for place in places}
        )
    stand = [
        head
        for place, head in newest.items()
        if place in ledgers and compare(known[place], found[ledgers[place]]) is None
    ]
    return PresentLog(
        {place: found[ledgers[place]] for place in places},
        {place: found[inputs[place]] for place in places},
        await decided_before(connection, stand) if stand else {},
    )


def missing(outside: OutsideHeads, there: PresentLog, follower: GovernanceFollower) -> list[Finding]:
    """What is missing, compared with the known heads: one finding for each partition and kind."""
    findings: list[Finding | None] = []
    for place, found in there.ledgers.items():
        known = outside.known.get(place) or nothing_known(*place)
        findings.append(follower.compare(known) if place[0] == "governance" else compare(known, found))
    newest = newest_heads(outside, follower)
    findings += [
        input_finding(place, newest[place].next_input, there.decided.get(place), found)
        for place, found in there.inputs.items()
        if place in newest
    ]
    unique = {(each.place, each.kind): each for each in findings if each is not None}
    return list(unique.values())


def unknown_eras(outside: OutsideHeads, follower: GovernanceFollower) -> tuple[str, ...]:
    """The eras of heads that count but are unknown to governance: the record that began them was lost."""
    current = era_of(follower.losses)
    eras = {head.era for head in outside.heads if not is_void(head.era, follower.losses)} - {current}
    return tuple(sorted(eras))
