"""`assent restore accept` and `assent restore rebuild`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiokafka import TopicPartition
from msgspec import Struct, structs

from assent.cli import output
from assent.cli.answers import print_refusal
from assent.cli.errors import sentence
from assent.cli.log_access import LogAccess, following, governance_of, log_access, reading
from assent.cli.loss_plan import Plan, plan_of, print_plan
from assent.cli.options import Options
from assent.cli.up import log_to_file
from assent.decider.losing import AcceptedLoss, accept_loss, ends_now
from assent.local import Directory, DirectoryInUse, Stack
from assent.local.founded import read_founded
from assent.store.migrate import migrate
from assent.store.positions import read_positions
from assent.store.rebuild import empty_tables, notify_positions, shared_with
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from assent_contracts.client.probe import Probe
from assent_contracts.refusals import WHAT_TO_DO, Refusal


def accept(
    recovery_key: Path, *, yes: bool, dry_run: bool, heads: tuple[Path, ...], options: Options
) -> None:
    """Accept a loss; 2 when that is refused or there is none."""
    key = load_key(recovery_key)
    log_to_file(options)

    async def run() -> _Done | Refusal | None:
        async with _log(options) as to, following(to) as follower:
            if governance_of(follower).recovery != key.public_key:
                output.fail(f"{recovery_key} is not the recovery key of this log.", output.REFUSED)
            ends = await ends_now(to.connection, follower)
            plan = await plan_of(to, follower, ends, heads, options)
            _tell_plan(plan, options, dry_run=dry_run)
            if not plan.missing:
                output.fail("Nothing is missing of what is known: there is no loss.", output.REFUSED)
            if dry_run or not (yes or _is_sure("Give it up")):
                return None
            done = await accept_loss(to.connection, to.identity, key, ends, plan.given_up)
            return done if isinstance(done, Refusal) else _Done(done, plan)

    done = asyncio.run(run())
    if done is None:
        output.tell("Nothing was changed.")
        return
    if isinstance(done, Refusal):
        print_refusal(done, WHAT_TO_DO[done.code], None, as_json=options.json)
        sys.exit(output.REFUSED)
    if options.json:
        output.print_json({**structs.asdict(done.accepted), "plan": done.plan})
        return
    output.say(
        f"Accepted the loss, in governance record {done.accepted.seq}. The log goes on from where it ends."
    )
    output.say("Save what is above: once the tables are rebuilt nobody can name it any more.")
    output.say(f"Next: `assent restore rebuild`. Put the recovery key away again.{_on_a_cluster()}")


class _Done(Struct, frozen=True):
    accepted: AcceptedLoss
    plan: Plan


def _tell_plan(plan: Plan, options: Options, *, dry_run: bool) -> None:
    if not options.json:
        print_plan(plan)
    elif dry_run:
        output.print_json(plan)
    else:
        output.tell("\n".join(plan.missing))


def _on_a_cluster() -> str:
    """There nobody can know what runs beside this."""
    return " Start all services anew." if "ASSENT_KAFKA" in os.environ else ""


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
            await _refuse_what_is_lost(to, follower)
            await empty_tables(to.dsn, await _of_another_history(to, follower))

    asyncio.run(run())
    if options.json:
        output.print_json({"rebuilt": True})
        return
    output.say(
        "Emptied the tables: status and audit fill them again from the ledgers as they are." + _on_a_cluster()
    )


async def _refuse_what_is_lost(to: LogAccess, follower: GovernanceFollower) -> None:
    """Only these tables name what is lost: they are not emptied before that is accepted."""
    async with reading(to) as db, Probe(to.connection) as probe:
        found = [
            finding
            for reader in ("audit", "status")
            for finding in (await probe.of_reader(await read_positions(db, reader), follower.losses)).values()
        ]
    lost = sorted({finding.place for finding in found if finding.kind != "given-up"})
    if lost:
        output.fail(
            f"Part of the log is lost ({', '.join(lost)}), and these tables name what. Nothing was emptied."
            " Put the newest copy of Kafka's data back, or accept the loss first: `assent restore accept`.",
            output.REFUSED,
        )


async def _of_another_history(to: LogAccess, follower: GovernanceFollower) -> dict[TopicPartition, int]:
    """The partitions in which notify stands where the ledger does not, and what of them still holds.

    By the record and not by its seq: what has been written since the loss soon has the same seqs.
    """
    stands = await notify_positions(to.dsn)
    async with Probe(to.connection) as probe:
        differing = await probe.of_reader(stands, follower.losses)
    return {place: shared_with(place, stands[place], follower.losses) for place in differing}


@asynccontextmanager
async def _log(options: Options) -> AsyncIterator[LogAccess]:
    """The log: a cluster's, or that of --data, whose Kafka and Postgres are started for the while.

    Nothing of --data may run beside it: a decider that leads goes by what it has read before.
    """
    if "ASSENT_KAFKA" in os.environ:
        yield log_access(options)
        return
    directory = Directory(options.data.resolve())
    identity = read_founded(directory).identity
    output.tell("Starting Kafka and Postgres for the while.")
    async with AsyncExitStack() as running:
        try:
            stack = await running.enter_async_context(Stack(directory.root, progress=output.tell))
        except DirectoryInUse as error:
            output.fail(f"{sentence(str(error))} It is `assent up`: stop it first.", output.REFUSED)
        yield LogAccess(Connection(bootstrap=stack.bootstrap), identity, stack.dsn)
