"""Accept what a log has lost, as it is, with its recovery key."""

from assent.decider.losing import Accepted, accept_loss, ends_now
from assent.founding.found import RECOVERY_KEY
from assent_contracts.client.keys import load_key
from tests.support.log import Log, following


async def accept_the_loss(log: Log) -> None:
    """While no decider leads."""
    async with following(log) as follower:
        ends = await ends_now(log.connection, follower)
        key = load_key(log.folder / RECOVERY_KEY)
        done = await accept_loss(log.connection, log.identity, key, ends, ())
    assert isinstance(done, Accepted)
