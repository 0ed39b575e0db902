"""Keeps the services of one data directory running, each in its own process."""

import asyncio
import itertools
import os
import random
import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

import structlog

from assent.local import restart_delay
from assent.local.child_process import Child, end_stale, spawn
from assent.local.data_directory import Directory

State = Literal["starting", "up", "backing off", "stopped"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_TAKEN = ("kafka", "kafka-format", "postgres", "postgres-initdb")
_STOP_LIMIT_S = 10.0
_POLL_S = 0.05
_HTTP_LIMIT_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Service:
    """A program to keep running.

    Attributes:
        name: `[a-z][a-z0-9-]*`; its output is appended to DATA/logs/NAME.log.
        argv: the program and its arguments.
        env: added to this process's environment.
        ready_url: `http://127.0.0.1:PORT/readyz`; it is up once this answers 200. Without one it is
            up as soon as it runs.
    """

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    ready_url: str | None = None


@dataclass(frozen=True)
class ServiceStatus:
    """The present state of a service.

    Attributes:
        since: when it entered this state, in seconds since the epoch.
        restarts: how often it was restarted since the supervisor first started it.
        pid: its process id while it runs.
        exit_code: that of its last completed run; minus the number of a signal.
    """

    name: str
    state: State
    since: float
    restarts: int = 0
    pid: int | None = None
    exit_code: int | None = None


class Supervisor:
    """Starts each service, and restarts it for ever whenever it ends."""

    def __init__(
        self,
        directory: Directory,
        services: Sequence[Service],
        *,
        on_change: Callable[[ServiceStatus], None] | None = None,
    ) -> None:
        """`on_change` is called on the event loop at every change of state. It should not block.

        Raises ValueError when a name is not valid or is given twice.
        """
        for service in services:
            if not _NAME.fullmatch(service.name) or service.name in _TAKEN:
                raise ValueError(f"not a name for a service: {service.name!r}")
        if len({service.name for service in services}) != len(services):
            raise ValueError("two services have the same name")
        self._directory = directory
        self._services = list(services)
        self._on_change = on_change
        self._statuses = {each.name: ServiceStatus(each.name, "stopped", time.time()) for each in services}
        self._tasks: list[asyncio.Task[None]] = []
        self._children: dict[str, Child] = {}
        self._changed = asyncio.Condition()

    @property
    def statuses(self) -> dict[str, ServiceStatus]:
        """The present status of each service, by name, in the order given."""
        return dict(self._statuses)

    async def start(self) -> None:
        """Start them all at once. Does not wait until they are up: see `ready`."""
        if self._tasks:
            return
        self._directory.create()
        for service in self._services:
            await end_stale(service.name, directory=self._directory)
        self._tasks = [asyncio.create_task(self._keep(each), name=each.name) for each in self._services]

    async def ready(self, *, limit_s: float = 60.0) -> None:
        """Return when all are up at the same time. Raises TimeoutError that names those that are not."""
        try:
            async with asyncio.timeout(limit_s), self._changed:
                await self._changed.wait_for(lambda: not self._waited_for())
        except TimeoutError:
            logs = ", ".join(str(self._directory.log(name)) for name in self._waited_for())
            raise TimeoutError(f"not up after {limit_s:g} s; see {logs}") from None

    async def stop(self, *, limit_s: float = _STOP_LIMIT_S) -> None:
        """SIGTERM to all at once, then SIGKILL to those still running after `limit_s` seconds."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        children = list(self._children.values())
        await asyncio.gather(*(child.stop(signal.SIGTERM, limit_s=limit_s) for child in children))
        for name, child in self._children.items():
            await self._change(name, "stopped", pid=None, exit_code=child.popen.returncode)
        for name, status in self._statuses.items():
            if status.state != "stopped":
                await self._change(name, "stopped", pid=None)
        self._children = {}

    async def _keep(self, service: Service) -> None:
        failures = 0
        for restarts in itertools.count():
            began = time.monotonic()
            code = await self._run(service, restarts)
            if time.monotonic() - began >= restart_delay.HEALTHY_S:
                failures = 0
            failures += 1
            # S311: guessing it gains nothing.
            delay_s = restart_delay.delay_s(failures, random.random())  # noqa: S311
            log.warning("service ended", service=service.name, exit_code=code, restart_in_s=round(delay_s, 2))
            await self._change(service.name, "backing off", pid=None, exit_code=code)
            await asyncio.sleep(delay_s)

    async def _run(self, service: Service, restarts: int) -> int | None:
        """Run it once, to its end. Returns the exit code; None when it could not be started."""
        try:
            env = {**os.environ, **service.env}
            child = spawn(service.name, service.argv, directory=self._directory, env=env)
        except OSError as error:
            log.exception("service could not be started", service=service.name, error=str(error))
            return None
        self._children[service.name] = child
        await self._change(service.name, "starting", pid=child.pid, restarts=restarts)
        while child.running and not await _answers(service.ready_url):
            await asyncio.sleep(_POLL_S)
        if child.running:
            await self._change(service.name, "up")
        return await child.ended()

    def _waited_for(self) -> list[str]:
        return [name for name, status in self._statuses.items() if status.state != "up"]

    async def _change(self, name: str, state: State, **changes: int | None) -> None:
        status = replace(self._statuses[name], state=state, since=time.time(), **changes)
        self._statuses[name] = status
        async with self._changed:
            self._changed.notify_all()
        if self._on_change:
            try:
                self._on_change(status)
            except Exception:
                # A listener that fails must not leave a service without its supervisor.
                log.exception("on_change failed", service=name, state=state)


async def _answers(url: str | None) -> bool:
    """Whether a GET of the URL returns 200; True without a URL."""
    if url is None:
        return True
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_HTTP_LIMIT_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                request = (f"GET {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close")
                writer.write("\r\n".join([*request, "", ""]).encode())
                return (await reader.readline()).split(maxsplit=2)[1:2] == [b"200"]
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
