"""A log on which no decider runs, and what of it is lost: for `assent restore`."""

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
    """A cluster's log, or that of --data, whose Kafka and Postgres are started for the while.

    Nothing of --data may run beside it: a decider that leads relies on what it has read before.
    """
    if "ASSENT_KAFKA" in os.environ:
        yield log_access(options)
        return
    directory = Directory(options.data.resolve())
    identity = read_founded(directory).identity
    output.print_progress("Starting Kafka and Postgres for the while.")
    async with AsyncExitStack() as running:
        try:
            stack = await running.enter_async_context(Stack(directory.root, progress=output.print_progress))
        except DirectoryInUse as error:
            output.fail(f"{sentence(str(error))} It is `assent up`: stop it first.", output.REFUSED)
        yield LogAccess(Connection(bootstrap=stack.bootstrap), identity, stack.dsn)


async def refuse_unaccepted_loss(access: LogAccess, follower: GovernanceFollower) -> None:
    """Only these tables name what is lost: they are not emptied before that is accepted."""
    async with reading_tables(access) as db, Probe(access.connection) as probe:
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


async def notified_elsewhere(access: LogAccess, follower: GovernanceFollower) -> dict[TopicPartition, int]:
    """The partitions in which notify stands where the ledger does not, and what of them still holds.

    By the record and not by its seq: what has been written since the loss soon has the same seqs.
    """
    stands = await notify_positions(access.dsn)
    async with Probe(access.connection) as probe:
        differing = await probe.of_reader(stands, follower.losses)
    return {place: shared_with(place, stands[place], follower.losses) for place in differing}
