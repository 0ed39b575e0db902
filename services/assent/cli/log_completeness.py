"""What is known of a log from outside Kafka, held against what is there: for `doctor` and `restore`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog
from aiokafka import TopicPartition

from assent.cli.diagnosis.check import Check
from assent.cli.last_decided import decided_before
from assent.cli.options import Options
from assent.decider.completeness import INPUT_TOPICS, input_finding
from assent.decider.kept import HeadsFileError, heads_file, read_heads_file
from assent.observe.health import fault_of
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads import sift_beside, sift_topic
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.client.probe import Probe
from assent_contracts.governed import Loss
from assent_contracts.heads import (
    Finding,
    Found,
    HeadInEra,
    KeptHead,
    KnownHead,
    Place,
    SignedHead,
    compare,
    era_of,
    given_up,
    is_void,
    known_heads,
    nothing_known,
)
from assent_contracts.topics import LEDGER, LEDGER_TOPICS

_STATE: Final = "state"


class Outside(msgspec.Struct, frozen=True):
    """What is known of a log outside of its ledgers."""

    heads: list[SignedHead]
    """Signed by writers; void ones too."""
    known: dict[Place, KnownHead]


class There(msgspec.Struct, frozen=True):
    """What is there of each partition."""

    ledgers: dict[Place, Found]
    inputs: dict[Place, Found]
    """With the hash of the command before the newest head's `next_input`."""
    decided: dict[Place, str] = {}
    """The hash of that command as the ledger has it, where it says so."""


def own_heads(data: Path, identity: str) -> list[KeptHead]:
    """What the embedded decider keeps in a data directory. Raises HeadsFileError."""
    return read_heads_file(heads_file(data / _STATE / "decider", identity)) or []


def deciders_heads(options: Options, identity: str) -> list[KeptHead]:
    """The same where the log is that of --data; none where ASSENT_KAFKA names another machine's.

    Raises HeadsFileError.
    """
    return [] if "ASSENT_KAFKA" in os.environ else own_heads(options.data, identity)


def own_heads_if_readable(options: Options, identity: str) -> list[KeptHead]:
    """The same for a user who may not be let into the decider's folder: none then. Raises HeadsFileError."""
    try:
        return deciders_heads(options, identity)
    except HeadsFileError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        structlog.get_logger().info("the decider's file of heads is not ours to read", error=str(error))
        return []


async def known_outside(
    connection: Connection, follower: GovernanceFollower, newest: NewestHeads, *kept: list[KeptHead]
) -> Outside:
    """All heads that count: `newest` so far, `kept` in files, and `assent.heads`. Raises KafkaError."""
    trusted = trusted_keys(follower.writers.public_keys())
    for of_file in kept:
        await sift_beside(newest, follower.identity, of_file, trusted)
    await sift_topic(connection, newest, follower.identity, trusted)
    heads = [head for head, _ in newest.heads()]
    return Outside(heads, known_heads(heads, follower.losses))


def places_of(follower: GovernanceFollower) -> list[Place]:
    """Every partition of every ledger: governance, then requests."""
    return [("governance", 0), *(("ledger", number) for number in range(follower.partitions))]


def newest_heads(outside: Outside, follower: GovernanceFollower) -> dict[Place, SignedHead]:
    """The heads that are what is known of their partitions, in this era of the log."""
    newest: dict[Place, SignedHead] = {}
    for head in outside.heads:
        known = outside.known.get((head.ledger, head.partition))
        if head.era == era_of(follower.losses) and known is not None and known.seq == head.seq:
            newest[head.ledger, head.partition] = head
    return newest


async def look(connection: Connection, follower: GovernanceFollower, outside: Outside) -> There:
    """What is there now. Raises KafkaError, TimeoutError."""
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
    return There(
        {place: found[ledgers[place]] for place in places},
        {place: found[inputs[place]] for place in places},
        await decided_before(connection, stand) if stand else {},
    )


def missing(outside: Outside, there: There, follower: GovernanceFollower) -> list[Finding]:
    """What is missing of what is known, one for each partition of a ledger or of commands."""
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


def unknown_eras(outside: Outside, follower: GovernanceFollower) -> tuple[str, ...]:
    """The eras of heads that count and that governance does not know: their acceptance was lost itself."""
    current = era_of(follower.losses)
    eras = {head.era for head in outside.heads if not is_void(head.era, follower.losses)} - {current}
    return tuple(sorted(eras))


def reader_findings(
    name: str, positions: Mapping[int, HeadInEra], there: There, losses: Sequence[Loss], most: int
) -> list[Check]:
    """How far a reader is behind: one finding, and one for each partition of which it holds too much."""
    lag = 0
    findings: list[Check] = []
    for (ledger, partition), found in there.ledgers.items():
        if ledger != "ledger":
            continue
        read = positions.get(partition)
        read_to = 0 if read is None else read.head.next_offset
        gone = None if read is None else given_up(ledger, partition, read, losses)
        if gone is not None:
            findings.append(
                Check(
                    ok=False,
                    what=f"{name} and {LEDGER}/{partition}",
                    why=gone.why,
                    remedy=gone.todo,
                    service=name,
                    fault=fault_of(gone.place, gone.kind),
                )
            )
        elif read_to > found.end:
            findings.append(
                Check(
                    ok=False,
                    what=f"{name} and {LEDGER}/{partition}",
                    why=f"It holds that up to offset {read_to:,}, and it ends at offset {found.end:,}.",
                    remedy="Its rows are of a log that was longer. See docs/how-to/restore.md.",
                    service=name,
                    # What `compare` says of a partition that ends before it was known to end.
                    follows_from=fault_of(f"{LEDGER}/{partition}", "cut"),
                )
            )
        else:
            lag += found.end - read_to
    behind = Check(
        ok=lag <= most,
        what=f"{name} is {lag:,} records behind the ledger",
        remedy=f"Is the service running? See logs/{name}.log.",
        service=name,
    )
    return [behind, *findings]


def stored_finding(newest: NewestHeads) -> Check:
    """Of the heads in Postgres."""
    return Check(
        ok=not newest.false,
        what="the heads in Postgres are the writers' own",
        why=f"At least {newest.false:,} name a writer who has not signed them. They count for nothing.",
        remedy=(
            "Somebody has written to the table who has the status service's rights: change its password."
            " status deletes within a week what it may; as the table's owner you may at once:"
            " docs/how-to/restore.md says how."
        ),
    )


def file_finding(error: HeadsFileError) -> Check:
    """Of the decider's file."""
    return Check(ok=False, what="the decider's file of heads", remedy=str(error))
