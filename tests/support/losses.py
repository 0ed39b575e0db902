"""Accept what a log has lost, as it is, with its recovery key."""

from assent.decider.losing import Accepted, accept_loss, ends_now
from assent.founding.found import RECOVERY_KEY
from assent_contracts.client.keys import load_key
from assent_contracts.governed import LedgerEnd, Loss
from tests.support.log import Log, following


async def accept_the_loss(log: Log) -> None:
    """While no decider leads."""
    async with following(log) as follower:
        ends = await ends_now(log.connection, follower)
        key = load_key(log.folder / RECOVERY_KEY)
        done = await accept_loss(log.connection, log.identity, key, ends, ())
    assert isinstance(done, Accepted)


def loss_at(seq: int) -> Loss:
    """A loss that names where partition 0 of the request ledger ends."""
    end = LedgerEnd(
        ledger="ledger",
        partition=0,
        seq=seq,
        sha256="0" * 64,
        next_offset=seq + 1,
        topic_end=seq + 1,
        next_input=0,
    )
    return Loss(era=f"era-{seq}", ends=(end,))
