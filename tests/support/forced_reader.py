"""`python -m tests.support.forced_reader status|audit GROUP`: a reader of all partitions.

In its own consumer group it is assigned all of them. So two such processes write the same rows at once, and
the position in Postgres must keep the tables correct.
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
