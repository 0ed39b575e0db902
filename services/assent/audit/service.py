"""The audit reader as a process."""

import asyncio
from typing import Final

from assent.audit.postgres_copy import write_audit
from assent.observe.health import Health
from assent.process_settings import ServiceSettings
from assent.store.reader_service import ReaderSpec, serve_reader
from assent_contracts.topics import GOVERNANCE, LEDGER

AUDIT: Final = ReaderSpec(reader="audit", role="assent_audit", topics=(LEDGER, GOVERNANCE), write=write_audit)


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """R16: keep the audit log of both ledgers until `stop`. Raises as `serve_reader` does."""
    await serve_reader(AUDIT, settings, health, stop)
