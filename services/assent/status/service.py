"""The status reader as a process."""

import asyncio
from typing import Final

from assent.observe.health import Health
from assent.process_settings import ServiceSettings
from assent.status.heads_copy import keep_known_heads
from assent.status.open_figures import keep_counting
from assent.status.status_rows import write_status
from assent.store.ledger_stream import STOP_LIMIT_S
from assent.store.reader_service import ReaderSpec, serve_reader
from assent_contracts.client.task_end import end
from assent_contracts.topics import LEDGER

STATUS: Final = ReaderSpec(reader="status", role="assent_status", topics=(LEDGER,), write=write_status)


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Keep the requests' rows up to date until `stop`. Raises as `serve_reader` does."""
    # In separate tasks: heads are kept and requests counted even while the projection waits.
    keeping = asyncio.create_task(keep_known_heads(settings), name="heads")
    counting = asyncio.create_task(keep_counting(settings), name="figures")
    reading = asyncio.create_task(serve_reader(STATUS, settings, health, stop), name="status")
    try:
        tasks = keeping, counting, reading
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await end(keeping, counting)
        await end(reading, again_s=2 * STOP_LIMIT_S)
