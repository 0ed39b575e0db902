"""`python -m tests.support.forced_decider`: a decider that leads everything, whoever else does.

The consumer group lets one process at a time lead a partition. Here there is none, so that two processes
write the same partition at once: what keeps the ledger right must be the ledger itself.
"""

import asyncio

from assent.decider.service import Decider
from assent.observe.health import Health
from assent.process import run_service
from assent.settings import ServiceSettings, need
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from tests.support.log import PARTITIONS

_LOOK_S = 0.2


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Lead them all until `stop`."""
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    decider = Decider(settings.kafka, load_key(need(settings.key_file, "ASSENT_KEY_FILE")), follower, health)
    health.ready("kafka")
    try:
        while not stop.is_set():
            follower.check()
            await decider.govern()
            await decider.lead(frozenset(range(PARTITIONS)))
            await asyncio.sleep(_LOOK_S)
    finally:
        await decider.close()
        await follower.stop()


if __name__ == "__main__":
    run_service("forced-decider", serve, "kafka")
