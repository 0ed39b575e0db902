"""A log without a running decider, and what it has lost: for `assent restore`."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka import TopicPartition

from assent.cli import output
from assent.cli.connection.log_access import LogAccess, log_access, reading_tables
from assent.cli.errors import sentence
from assent.cli.options import Options
from assent.local import Directory, DirectoryInUse, Stack
from assent.local.founded_log import read_founded
from assent.store.positions import read_positions
from assent.store.rebuild import notify_positions, shared_with
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.partition_probe import Probe


@asynccontextmanager
async def stopped_log(options: Options) -> AsyncIterator[LogAccess]:
    """A cluster's log, or that of --data, whose Kafka and Postgres run only for this command.

    `assent up` must not run on --data: a decider that leads relies on what it has read before.
    """
    if "ASSENT_KAFKA" in os.environ:
        yield log_access(options)
        return
    directory = Directory(options.data.resolve())
    identity = read_founded(directory).identity
    output.print_progress("Starting Kafka and Postgres for this command.")
    async with AsyncExitStack() as running:
        try:
            stack = await running.enter_async_context(Stack(directory.root, progress=output.print_progress))
        except DirectoryInUse as error:
            output.fail(f"{sentence(str(error))} It is `assent up`: stop it first.", output.REFUSED)
        yield LogAccess(Connection(bootstrap=stack.bootstrap), identity, stack.dsn)


async def refuse_unaccepted_loss(access: LogAccess, follower: GovernanceFollower) -> None:
    """Exit where a loss is not accepted yet: only these tables can name what is lost."""
    async with reading_tables(access) as db, Probe(access.connection) as probe:
        found = [
            finding
            for reader in ("audit", "status")
            for finding in (await probe.of_reader(await read_positions(db, reader), follower.losses)).values()
        ]
    lost = sorted({finding.place for finding in found if finding.kind != "given-up"})
    if lost:
        output.fail(
            f"Part of the log is lost ({', '.join(lost)}), and only these tables can name what is lost."
            " Nothing was emptied."
            " Restore the newest copy of Kafka's data, or accept the loss first: `assent restore accept`.",
            output.REFUSED,
        )


async def notified_elsewhere(access: LogAccess, follower: GovernanceFollower) -> dict[TopicPartition, int]:
    """The partitions in which notify has read another history, each with the last seq that is still shared.

    Records are compared, not seqs: what is written after a loss soon reaches the same seqs.
    """
    stands = await notify_positions(access.dsn)
    async with Probe(access.connection) as probe:
        differing = await probe.of_reader(stands, follower.losses)
    return {place: shared_with(place, stands[place], follower.losses) for place in differing}
