"""Run a service as a process: signals, logs, health, exit codes."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext

import structlog
import uvloop

from assent.extras import Extra, MissingExtraError, need_extra
from assent.observe.health import Health
from assent.observe.health_server import HealthServer
from assent.observe.logs import configure_logs
from assent.observe.traces import configure_traces
from assent.process_settings import ServiceSettings, SettingsError, read_settings
from assent_contracts.client.task_end import end

_BEAT_S = 1.0
_END_AGAIN_S = 10.0
"""Longer than a part takes to finish its current work, which must not be interrupted."""
_GC_YOUNG = 50_000
"""Decoded messages are many and acyclic, so the youngest generation is collected less often than usual."""

ServiceFunction = Callable[[ServiceSettings, Health, asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then stops cleanly."""


def run_service(name: str, service: ServiceFunction, *conditions: str) -> None:
    """Run `service` until SIGTERM or SIGINT. Exits 2 with a line on wrong settings, 1 when it failed."""
    try:
        settings = read_settings()
    except SettingsError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(2)
    configure_logs(name, settings.log_level)
    configure_traces(name)
    gc.set_threshold(_GC_YOUNG, 20, 100)
    log = structlog.get_logger()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(service, settings, Health(*conditions)))
    except SettingsError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(2)
    except Exception:
        log.exception("failed")
        sys.exit(1)
    log.info("stopped")


def exit_without(extra: Extra) -> None:
    """Exit with 2 and the command to install it if an optional part that this process needs is missing."""
    try:
        need_extra(extra)
    except MissingExtraError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


async def _run(service: ServiceFunction, settings: ServiceSettings, health: Health) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    structlog.get_logger().info("started", kafka=settings.kafka.bootstrap, identity=settings.identity)
    server = (
        nullcontext()
        if settings.http_port is None
        else HealthServer(health, settings.http_host, settings.http_port)
    )
    with server:
        beating = asyncio.create_task(_beat(health))
        try:
            await service(settings, health, stop)
        finally:
            beating.cancel()


async def until_stopped(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends or `stop` is set, which cancels it. Raises what `work` raises."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        stopped.cancel()
        task.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


async def run_together(stop: asyncio.Event, *parts: Awaitable[None]) -> None:
    """Run until all have ended, as they do when told to stop. A failure of one stops the others.

    Cancelling it cancels them.
    """
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        await end(*tasks, again_s=_END_AGAIN_S)
        raise
    stop.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        task.result()


async def _beat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(_BEAT_S)
