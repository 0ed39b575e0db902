"""The status reader as a process."""

import asyncio
from typing import Final

from assent.observe.health import Health
from assent.settings import ServiceSettings
from assent.status.rows import write_status
from assent.store.service import ReaderSpec, serve_reader
from assent_contracts.topics import LEDGER

STATUS: Final = ReaderSpec(reader="status", role="assent_status", topics=(LEDGER,), write=write_status)


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Keep the requests' rows up to date until `stop`. Raises as `serve_reader` does."""
    await serve_reader(STATUS, settings, health, stop)
