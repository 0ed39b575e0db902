"""Verify: from the first record of the ledger to its last, every decision made again."""

import sys
import time
from pathlib import Path

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent.verify.running_log import verify_requests
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from tests.bench.child import answer, job, tell


def _believe(_public_key: bytes, _message: bytes, _signature: bytes) -> bool:
    return True


async def _measure(settings: ServiceSettings, health: Health, stop: object) -> None:
    work = job()
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    try:
        started = time.perf_counter()
        tallies = await verify_requests(
            settings.kafka, follower, 1, verify_signature if work.check else _believe, tell
        )
        seconds = time.perf_counter() - started
        assert (tallies[0].records, tallies[0].refusals) == (work.commands, work.refusals), tallies
        answer(seconds)
    finally:
        await follower.stop()


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
