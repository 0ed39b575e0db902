"""What Postgres knows of the ledgers, as far as writers have signed it."""

from assent.store.heads import read_heads
from assent.store.pool import Executor
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads import good_heads
from assent_contracts.heads import KnownHead, Place, known_heads


async def known_in_postgres(db: Executor, follower: GovernanceFollower) -> dict[Place, KnownHead]:
    """The newest head of each partition that the database has, checked; accepted losses are counted off.

    Raises asyncpg.PostgresError.
    """
    kept = await read_heads(db)
    heads = good_heads(follower.identity, kept, follower.writers.public_keys())
    return known_heads([head for head, _ in heads], follower.losses)
