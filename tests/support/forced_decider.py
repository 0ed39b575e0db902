"""`python -m tests.support.forced_decider`: a decider that leads everything, even if others do too.

The consumer group lets one process at a time lead a partition. Here there is none, so that two processes
write the same partition at once: the ledger itself must keep the result correct. Its wall clock is ahead by
the milliseconds in the file that ASSENT_TEST_CLOCK names, which is read each time the clock is.
"""

import asyncio
import os
from pathlib import Path

import msgspec

from assent.decider.service import Decider
from assent.decider.wall_clock_watch import MachineClock
from assent.observe.health import Health
from assent.observe.machine_clocks import Clock, read_clock
from assent.observe.machine_clocks import Reading as ClockReading
from assent.process import run_service
from assent.process_settings import ServiceSettings, need
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from tests.support.log import PARTITIONS

CLOCK = "ASSENT_TEST_CLOCK"
_LOOK_S = 0.2


def stepping_clock(file: Path) -> Clock:
    """This machine's clocks, with the wall clock as far ahead as the file states; right without a file."""

    def read() -> ClockReading:
        now = read_clock()
        ahead = int(file.read_text() or "0") if file.exists() else 0
        return msgspec.structs.replace(now, wall=now.wall + ahead)

    return read


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Lead them all until `stop`."""
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    clock = stepping_clock(Path(os.environ[CLOCK])) if CLOCK in os.environ else read_clock
    decider = Decider(settings.kafka, key, follower, health, machine=MachineClock(clock))
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
