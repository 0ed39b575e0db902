"""`python -m tests.support.forced_reader status|audit GROUP`: a reader of all partitions.

In a consumer group of its own it is given all of them: two such processes write the same rows at once, and
what keeps the tables right must be the position in Postgres.
"""

import asyncio
import sys

from assent.audit.service import AUDIT
from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent.status.service import STATUS
from assent.store.reader_service import serve_reader

SPECS = {spec.reader: spec for spec in (AUDIT, STATUS)}


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Project until `stop`."""
    _, reader, group = sys.argv
    await serve_reader(SPECS[reader], settings, health, stop, group=group)


if __name__ == "__main__":
    run_service("forced-reader", serve, "kafka", "postgres")
