"""Run a service as a process: signals, logs, health, exit codes."""

import argparse
import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from typing import Final, NoReturn, TypeVar

import structlog
import uvloop

from assent.extras import Extra, MissingExtraError, need_extra
from assent.observe.health import Health
from assent.observe.health_server import HealthServer
from assent.observe.logs import configure_logs
from assent.observe.traces import configure_traces
from assent.process_settings import Check, ServiceSettings, SettingsError, check_settings, read_settings
from assent_contracts.client.task_end import end, pause

_BEAT_S = 1.0
_END_AGAIN_S = 10.0
"""Longer than a part takes to finish its current work, which must not be interrupted."""
_PORT_FREE_WITHIN_S: Final = 30.0
"""Longer than a service may take to stop."""
_PORT_AGAIN_S: Final = 0.2
_GC_YOUNG = 50_000
"""Decoded messages are many and acyclic, so the youngest generation is collected less often than usual."""

_T = TypeVar("_T")

ServiceFunction = Callable[[ServiceSettings, Health, asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then stops cleanly."""


FileCheck = Callable[[Mapping[str, str]], str]
"""Checks the file that configures a service; returns a sentence about it. Raises SettingsError."""


def service_parser(name: str, does: str, *, file: str | None = None) -> argparse.ArgumentParser:
    """The command line of `python -m assent.NAME`. `file`: the variable of its configuration file, if any."""
    parser = argparse.ArgumentParser(
        prog=f"python -m assent.{name}", description=f"{does} Settings come from the environment."
    )
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="check all settings, print every fault and exit: 0 for none, else 2",
    )
    if file is not None:
        parser.add_argument(
            "--check-file", action="store_true", help=f"check only the file {file}, in the same way, and exit"
        )
    return parser


def run_or_check(
    arguments: argparse.Namespace,
    name: str,
    service: ServiceFunction,
    *conditions: str,
    checks: Sequence[Check] = (),
    check_file: FileCheck | None = None,
) -> None:
    """Run a service, or only check its settings, as its command line asks.

    `checks`: those of its settings besides the common ones. Exits 2 with a line for each fault.
    """
    if check_file is not None and arguments.check_file:
        _check(name, lambda: check_file(os.environ))
    elif arguments.check_config:
        _check(name, lambda: _check_all(name, checks, check_file))
    else:
        run_service(name, service, *conditions, checks=checks)


def _check_all(name: str, checks: Sequence[Check], check_file: FileCheck | None) -> str:
    said = [f"{name}: all settings are valid."]

    def check_its_file(environ: Mapping[str, str]) -> None:
        if check_file is not None:
            said.append(check_file(environ))

    check_settings(os.environ, (read_settings, *checks, check_its_file))
    return "\n".join(said)


def _check(name: str, check: Callable[[], str]) -> None:
    try:
        sys.stdout.write(f"{check()}\n")
    except SettingsError as error:
        exit_with_faults(name, error)


def exit_with_faults(name: str, error: SettingsError) -> NoReturn:
    """Exit with 2 and a line for each fault."""
    sys.stderr.writelines(f"{name}: {fault}\n" for fault in error.args)
    sys.exit(2)


def run_service(name: str, service: ServiceFunction, *conditions: str, checks: Sequence[Check] = ()) -> None:
    """Run `service` until SIGTERM or SIGINT. Exits 2 with a line for each wrong setting, 1 when it failed."""
    try:
        check_settings(os.environ, (read_settings, *checks))
        settings = read_settings()
    except SettingsError as error:
        exit_with_faults(name, error)
    configure_logs(name, settings.log_level)
    end_traces = configure_traces(name)
    gc.set_threshold(_GC_YOUNG, 20, 100)
    log = structlog.get_logger()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(service, settings, Health(*conditions)))
    except SettingsError as error:
        exit_with_faults(name, error)
    except Exception:
        log.exception("failed")
        sys.exit(1)
    finally:
        end_traces()
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
    server = nullcontext()
    if settings.http_port is not None:
        host, port = settings.http_host, settings.http_port
        listen = await when_port_is_free(
            lambda: HealthServer(health, host, port), f"ASSENT_HTTP_PORT: {host}:{port}", stop
        )
        if listen is None:
            return
        server = listen
    with server:
        beating = asyncio.create_task(_beat(health))
        try:
            await service(settings, health, stop)
        finally:
            beating.cancel()


async def when_port_is_free(listen: Callable[[], _T], what: str, stop: asyncio.Event) -> _T | None:
    """What `listen` returns, which is tried again while its port is taken; None when `stop` is set first.

    A predecessor of this process may still be stopping. `what`: the setting and the address, for people.
    Raises SettingsError after 30 s, and other OSErrors of `listen`.
    """
    told = False
    end = asyncio.get_running_loop().time() + _PORT_FREE_WITHIN_S
    while not stop.is_set():
        try:
            return listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        if asyncio.get_running_loop().time() > end:
            msg = f"{what} is taken by another process. Stop that, or choose another port."
            raise SettingsError(msg)
        if not told:
            structlog.get_logger().warning("waiting for a port that another process has", port=what)
            told = True
        await pause(stop, _PORT_AGAIN_S)
    return None


async def until_stopped(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends or `stop` is set, which cancels it. Raises what `work` raises."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        # Again if it must be: a client of Kafka that is closing can lose a cancellation.
        await end(task, stopped, again_s=_END_AGAIN_S)


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
