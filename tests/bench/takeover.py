"""Takeover: a new writer reads a partition of open requests until it could decide."""

import sys
import time
from pathlib import Path

from assent.decider.takeover import take_over
from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent_contracts.client.follower import GovernanceFollower
from tests.bench.child import answer, job
from tests.bench.workload import PARTITION


async def _measure(settings: ServiceSettings, health: Health, stop: object) -> None:
    work = job()
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    try:
        started = time.perf_counter()
        writer = (await take_over(settings.kafka, PARTITION, follower, None)).writer
        seconds = time.perf_counter() - started
        assert writer.desk.state.open_requests() == work.commands
        answer(seconds)
    finally:
        await follower.stop()


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
