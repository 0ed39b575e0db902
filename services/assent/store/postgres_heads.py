"""What Postgres knows of the ledgers, as far as writers have signed it."""

from assent.store.pool import Executor
from assent.store.stored_heads import sift_stored
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.heads import KnownHead, Place, known_heads


async def known_in_postgres(db: Executor, follower: GovernanceFollower) -> dict[Place, KnownHead]:
    """The newest verified head of each partition in the database, without accepted losses.

    Raises asyncpg.PostgresError.
    """
    newest = await newest_in_postgres(db, follower)
    return known_heads([head for head, _ in newest.heads()], follower.losses)


async def newest_in_postgres(db: Executor, follower: GovernanceFollower) -> NewestHeads:
    """The heads in the database that count. Raises asyncpg.PostgresError."""
    newest = NewestHeads()
    await sift_stored(db, newest, follower.identity, trusted_keys(follower.writers.public_keys()))
    return newest
