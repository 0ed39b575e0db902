"""`assent restore accept` and `assent restore rebuild`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from aiokafka import TopicPartition
from msgspec import Struct

from assent.cli import output
from assent.cli.answers import print_refusal
from assent.cli.errors import sentence
from assent.cli.options import Options
from assent.cli.reach import Reach, following, reach
from assent.cli.upping import log_to_file
from assent.cli.whole import known_outside, look, missing, own_heads, unknown_eras
from assent.decider.kept import read_heads_file
from assent.decider.losing import Accepted, Ends, accept_loss, ends_now
from assent.local import Directory, DirectoryInUse, Stack
from assent.local.founded import read_founded
from assent.store.heads import HEADS_UNREACHABLE, stored_heads
from assent.store.migrate import migrate
from assent.store.rebuild import empty_tables, notify_positions, shared_with
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from assent_contracts.client.probe import Probe
from assent_contracts.governed import LedgerEnd
from assent_contracts.heads import KeptHead, Place, known_of
from assent_contracts.refusals import WHAT_TO_DO, Refusal
from assent_contracts.topics import LEDGER_TOPICS, LedgerName


class Given(Struct, frozen=True, kw_only=True):
    """What would be given up of one ledger partition."""

    ledger: str
    partition: int
    known_seq: int
    there_seq: int
    next_input: int


class Plan(Struct, frozen=True, kw_only=True):
    """What accepting the loss means."""

    missing: list[str]
    """What is missing, a sentence each."""
    partitions: list[Given]
    given_up: tuple[str, ...]
    """Eras whose own acceptance was lost."""


def accept(
    recovery_key: Path, *, yes: bool, dry_run: bool, heads: tuple[Path, ...], options: Options
) -> None:
    """Accept a loss; 2 when that is refused or there is none."""
    key = load_key(recovery_key)
    log_to_file(options)

    async def run() -> Accepted | Refusal | None:
        async with _log(options) as to, following(to) as follower:
            ends = await ends_now(to.connection, follower)
            plan = await _plan(to, follower, ends, heads, options)
            _print_plan(plan, options)
            if not plan.missing:
                output.fail("Nothing is missing of what is known: there is no loss.", output.REFUSED)
            if dry_run or not (yes or _is_sure("Give it up")):
                return None
            return await accept_loss(to.connection, to.identity, key, ends, plan.given_up)

    done = asyncio.run(run())
    if done is None:
        output.tell("Nothing was changed.")
        return
    if isinstance(done, Refusal):
        print_refusal(done, WHAT_TO_DO[done.code], None, as_json=options.json)
        sys.exit(output.REFUSED)
    if options.json:
        output.print_json(done)
        return
    output.say(f"Accepted the loss, in governance record {done.seq}. The log goes on from where it ends.")
    output.say(f"Next: `assent restore rebuild`. Put the recovery key away again.{_on_a_cluster()}")


def _on_a_cluster() -> str:
    """There nobody can know what runs beside this."""
    return " Start all services anew." if "ASSENT_KAFKA" in os.environ else ""


async def _plan(
    to: Reach, follower: GovernanceFollower, ends: Ends, heads: tuple[Path, ...], options: Options
) -> Plan:
    kept = [own_heads(options.data, to.identity), await _stored(to.dsn)]
    kept += [read_heads_file(path) or [] for path in heads]
    outside = await known_outside(to.connection, follower, *kept)
    there = await look(to.connection, follower, outside)
    places: dict[Place, LedgerEnd] = {(each.ledger, each.partition): each for each in ends.ends}
    return Plan(
        missing=sorted({finding.why for finding in [*missing(outside, there, follower), *ends.inputs]}),
        partitions=[
            Given(
                ledger=end.ledger,
                partition=end.partition,
                known_seq=outside.known[place].seq if place in outside.known else -1,
                there_seq=end.seq,
                next_input=end.next_input,
            )
            for place, end in places.items()
        ],
        given_up=unknown_eras(outside, follower),
    )


async def _stored(dsn: str) -> list[KeptHead]:
    try:
        return await stored_heads(dsn)
    except HEADS_UNREACHABLE as error:
        structlog.get_logger().warning("Postgres was not asked which heads it knows", error=repr(error))
        output.tell("Postgres does not answer: what it knows of the log is not shown here.")
        return []


def _print_plan(plan: Plan, options: Options) -> None:
    if options.json:
        output.tell("\n".join(plan.missing))
        return
    for each in plan.missing:
        output.say(each)
    for part in plan.partitions:
        topic = LEDGER_TOPICS["governance" if part.ledger == "governance" else "ledger"]
        lost = max(0, part.known_seq - part.there_seq)
        output.say(
            f"{topic}/{part.partition}: known up to seq {part.known_seq:,}, there up to seq"
            f" {part.there_seq:,}; {lost:,} records given up; commands count from offset {part.next_input:,}."
        )


def _is_sure(question: str) -> bool:
    if not sys.stdin.isatty():
        output.fail("Say --yes where nobody can be asked.")
    return input(f"{question}? Type yes: ").strip() == "yes"


def rebuild(*, yes: bool, options: Options) -> None:
    """Empty the readers' tables."""
    log_to_file(options)
    if not (yes or _is_sure("Empty the tables of status and audit, to be projected anew")):
        output.tell("Nothing was changed.")
        return

    async def run() -> None:
        async with _log(options) as to, following(to) as follower:
            await migrate(to.dsn)
            await empty_tables(to.dsn, await _of_another_history(to, follower))

    asyncio.run(run())
    if options.json:
        output.print_json({"rebuilt": True})
        return
    output.say(
        "Emptied the tables: status and audit fill them again from the ledgers as they are." + _on_a_cluster()
    )


async def _of_another_history(to: Reach, follower: GovernanceFollower) -> dict[TopicPartition, int]:
    """The partitions in which notify stands where the ledger does not, and what of them still holds.

    By the record and not by its seq: what has been written since the loss soon has the same seqs.
    """
    stands = await notify_positions(to.dsn)
    names: dict[str, LedgerName] = {topic: name for name, topic in LEDGER_TOPICS.items()}
    known = [known_of(names[place.topic], place.partition, head) for place, head in stands.items()]
    async with Probe(to.connection) as probe:
        differing = {finding.place for finding in await probe.findings(known)}
    return {
        place: shared_with(place, head.seq, follower.losses)
        for place, head in stands.items()
        if f"{place.topic}/{place.partition}" in differing
    }


@asynccontextmanager
async def _log(options: Options) -> AsyncIterator[Reach]:
    """The log: a cluster's, or that of --data, whose Kafka and Postgres are started for the while.

    Nothing of --data may run beside it: a decider that leads goes by what it has read before.
    """
    if "ASSENT_KAFKA" in os.environ:
        yield reach(options)
        return
    directory = Directory(options.data.resolve())
    identity = read_founded(directory).identity
    output.tell("Starting Kafka and Postgres for the while.")
    async with AsyncExitStack() as running:
        try:
            stack = await running.enter_async_context(Stack(directory.root, progress=output.tell))
        except DirectoryInUse as error:
            output.fail(f"{sentence(str(error))} It is `assent up`: stop it first.", output.REFUSED)
        yield Reach(Connection(bootstrap=stack.bootstrap), identity, stack.dsn)
