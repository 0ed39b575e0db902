"""Publish without a gateway, and only to a log that has every known head.

A decider does not lead a partition of which something is missing. A command that is sent there gets no
answer, and may be decided long after, once the right log is back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from assent.cli import output
from assent.cli.connection.log_access import LogAccess, following_governance, reading_tables
from assent.cli.log_completeness import own_heads_if_readable
from assent.cli.options import Options
from assent.store.positions import requests_read
from assent.store.postgres_heads import newest_in_postgres
from assent.store.stored_heads import HEADS_UNREACHABLE
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.governance_publisher import GovernancePublisher
from assent_contracts.client.heads_topic import sift_beside
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.client.publisher import NotPublishedError, Publisher
from assent_contracts.heads import KnownHead, Place, known_heads


@asynccontextmanager
async def publishing(access: LogAccess, source: str, options: Options) -> AsyncIterator[Publisher]:
    """A publisher that receives decisions from the position of the status tables on.

    Raises NotFoundedError, NotPublishedError, HeadsFileError, KafkaError, and what asyncpg raises when
    Postgres cannot be reached.
    """
    async with following_governance(access) as follower:
        async with reading_tables(access) as db:
            read = await requests_read(db)
            stored = await newest_in_postgres(db, follower)
        known = await known_beforehand(follower, stored, options)
        publisher = Publisher(
            access.connection,
            follower,
            source=source,
            read=read,
        )
        publisher.know({number: head for (ledger, number), head in known.items() if ledger == "ledger"})
        await publisher.start()
        try:
            yield publisher
        finally:
            await publisher.stop()


@asynccontextmanager
async def publishing_changes(
    access: LogAccess, source: str, options: Options
) -> AsyncIterator[GovernancePublisher]:
    """The same for changes to governance that work at once. Postgres need not answer."""
    async with following_governance(access) as follower:
        await known_beforehand(follower, await _stored(access, follower), options)
        publisher = GovernancePublisher(access.connection, follower, source=source)
        await publisher.start()
        try:
            yield publisher
        finally:
            await publisher.stop()


async def known_beforehand(
    follower: GovernanceFollower, stored: NewestHeads, options: Options
) -> dict[Place, KnownHead]:
    """The known heads, from `stored`, and from the decider's file where the log is that of --data.

    Raises NotPublishedError when the governance ledger has less, because no partition is led then;
    HeadsFileError where the file is broken; and KafkaError.
    """
    own = own_heads_if_readable(options, follower.identity)
    await sift_beside(stored, follower.identity, own, trusted_keys(follower.writers.public_keys()))
    known = known_heads([head for head, _ in stored.heads()], follower.losses)
    governance = known.get(("governance", 0))
    finding = None if governance is None else await follower.hold_against(governance)
    if finding is not None:
        raise NotPublishedError(finding)
    return known


async def _stored(access: LogAccess, follower: GovernanceFollower) -> NewestHeads:
    try:
        async with reading_tables(access) as db:
            return await newest_in_postgres(db, follower)
    except HEADS_UNREACHABLE as error:
        structlog.get_logger().warning("Postgres was not asked which heads it knows", error=repr(error))
        output.print_progress("Postgres does not answer: the heads that it knows are not checked.")
        return NewestHeads()
