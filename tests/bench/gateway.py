"""The gateway: submissions answered with their decision, pages of long lists, and many open event streams."""

import asyncio
import contextlib
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import httpx
import msgspec

from tests.bench.child import Answer, ChildFailedError, Job, measure, peak_mib, quantile_of
from tests.bench.founded_log import Log
from tests.bench.many_requests import fill
from tests.bench.progress import Steps
from tests.bench.services import running
from tests.support.local_token import token_file

_VIEWS: Final = ("mine alice", "received bob", "received erin", "all dave")
_PAGES: Final = 500
_STREAMS_OF_ROWS: Final = 200
"""A million rows go with 5,000 streams. Smaller runs use fewer rows."""
_READY_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1
_ROW_US: Final = 25
_UNLIMITED: Final = {
    "ASSENT_GATEWAY_RATE": "1000000",
    "ASSENT_GATEWAY_STREAMS": "20000",
    "ASSENT_GATEWAY_STREAMS_EACH": "20000",
}
_QUANTILES: Final = {"gateway_p50": 0.5, "gateway_p99": 0.99}


class Take(Protocol):
    """Keeps one repeat of a figure."""

    def __call__(self, name: str, value: float, floor: float | None, peak_mib: float) -> None: ...


class GatewayBench:
    """One gateway process at a time, and clients in processes of their own."""

    def __init__(self, log: Log, folder: Path, steps: Steps, take: Take, *, submits: Job, rows: int) -> None:
        self._log = log
        self._folder = folder
        self._steps = steps
        self._take = take
        self._submits = submits
        self._rows = rows
        self._output = folder / "gateway.log"

    async def submits(self, dsn: str, relay: Callable[[str], Awaitable[Answer]], suffix: str) -> None:
        """The product and the relay in turns."""
        env = self._log.env()
        async with (
            running("assent.decider", env=env, log=self._output),
            running("tests.bench.relay", env=env, log=self._output),
            self._gateway(dsn) as (process, url),
        ):
            floor = await relay(suffix)
            with self._steps.step(f"HTTP at {self._submits.rate}/s {suffix}", 30) as told:
                work = msgspec.structs.replace(self._submits, url=url)
                ours = await measure("submitting", work, env=env, log=self._output, told=told)
            for name, quantile in _QUANTILES.items():
                value, bare = (quantile_of(each, quantile) for each in (ours, floor))
                self._steps.say(f"{name} {suffix}: {value:.2f} ms, relay {bare:.2f} ms")
                self._take(name, value, bare, peak_mib(process.pid))

    async def streams(self, dsn: str) -> None:
        """Open all of them, then send one change to all of them."""
        count = self._rows // _STREAMS_OF_ROWS
        env = self._log.env(postgres=dsn)
        async with AsyncExitStack() as services:
            for name in ("decider", "status", "audit"):
                await services.enter_async_context(running(f"assent.{name}", env=env, log=self._output))
            process, url = await services.enter_async_context(self._gateway(dsn))
            work = Job(commands=1, url=url, streams=count, pid=process.pid)
            with self._steps.step(f"{count:,} event streams", 30) as told:
                found = await measure("streams", work, env=env, log=self._output, told=told)
            first, last = min(found.latencies_ms), max(found.latencies_ms)
            self._steps.say(
                f"{count:,} streams: {found.kib_each:.1f} KiB each; heard after {first:.0f} to {last:.0f} ms"
            )
            self._take("streams_memory", found.kib_each, None, peak_mib(process.pid))
            self._take("streams_heard", last, None, peak_mib(process.pid))

    async def lists(self, dsn: str, repeats: int) -> None:
        """Pages anywhere in each list; the slowest list counts."""
        with self._steps.step(f"COPY of {self._rows:,} requests", self._rows * _ROW_US / 1e6) as told:
            newest = await fill(dsn, self._rows, told)
        async with self._gateway(dsn) as (process, url):
            for repeat in range(1, repeats + 1):
                suffix = f"{repeat}/{repeats}"
                work = Job(commands=_PAGES, newest_ms=newest)
                bare = quantile_of(await self._pages(work, dsn, "", suffix), 0.99)
                p99 = {view: quantile_of(await self._pages(work, url, view, suffix), 0.99) for view in _VIEWS}
                said = ", ".join(f"{view} {value:.1f}" for view, value in p99.items())
                self._steps.say(f"lists {suffix}, p99 in ms: {said}; a bare query {bare:.1f}")
                self._take("lists_p99", max(p99.values()), bare, peak_mib(process.pid))

    async def _pages(self, work: Job, url: str, view: str, suffix: str) -> Answer:
        work = msgspec.structs.replace(work, url=url, view=view)
        with self._steps.step(f"{view or 'bare query'} {suffix}", 5) as told:
            return await measure("paging", work, env=self._log.env(), log=self._output, told=told)

    @asynccontextmanager
    async def _gateway(self, dsn: str) -> AsyncIterator[tuple[Process, str]]:
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        env = {
            **self._log.env(postgres=dsn),
            **_UNLIMITED,
            "ASSENT_LOCAL_SIGN_IN_FILE": str(token_file()),
            "ASSENT_KEY_FILE": str(self._log.keys / "gateway.key"),
            "ASSENT_GATEWAY_PORT": str(port),
            "ASSENT_PUBLIC_URL": url,
        }
        async with running("assent.gateway", env=env, log=self._output) as process:
            await _answers(process, url)
            yield process, url


async def _answers(process: Process, url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(_READY_WITHIN_S):
        while process.returncode is None:
            with contextlib.suppress(httpx.TransportError):
                await client.get(f"{url}/api/v1/openapi.json")
                return
            await asyncio.sleep(_LOOK_EVERY_S)
    raise ChildFailedError("the gateway ended before it answered")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
