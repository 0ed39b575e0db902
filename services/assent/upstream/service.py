"""The upstream service: receives events, submits them, and answers callers at gates."""

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import asyncpg
import httpx
import msgspec
import structlog

from assent.observe import metrics
from assent.observe.health import Health
from assent.process import run_together
from assent.process_settings import Faults, ServiceSettings, need
from assent.receiving.http_server import Route, http_server
from assent.store.pool import open_pool
from assent.store.postgres_reasons import reason
from assent.store.reader_service import (
    KAFKA,
    POSTGRES,
    UNREACHABLE,
    ReaderSpec,
    followed_governance,
    reached,
    serve_reader,
)
from assent.upstream import events
from assent.upstream.answer_loop import FIRST_S, AnswerLoop, look_after_waiters
from assent.upstream.command_sender import AGAIN_S, CommandSender
from assent.upstream.configuration import read_upstream_file, read_upstream_settings
from assent.upstream.decision_intake import DecisionIntake
from assent.upstream.event_intake import EventIntake
from assent.upstream.gate_answers import send_of
from assent.upstream.gate_steps import Gates
from assent.upstream.http_source import HttpReceiver
from assent.upstream.sealed_tokens import TokenSeal
from assent.upstream.source_loops import SourceLoops
from assent.upstream.source_settings import FolderSource, Gate, GateFields, HttpFields, Source
from assent.upstream.upstream_file import UpstreamFile
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.keys import KeyFileError, SecretKey, load_key
from assent_contracts.client.task_end import end, pause
from assent_contracts.topics import COMMANDS, LEDGER

SENDING: Final = "sending"
LISTENING: Final = "http"
_POOL_SIZE: Final = 8
_DAY_S: Final = 24 * 60 * 60.0
_T = TypeVar("_T")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Intervals of the service's loops."""

    poll_s: float = 0.2
    """How often the tables are looked at when nothing reports news."""
    waiters_s: float = 5.0
    tidy_s: float = 60.0
    again_s: float = AGAIN_S
    first_retry_s: float = FIRST_S


class Setup(msgspec.Struct, frozen=True):
    """What a process runs with."""

    settings: ServiceSettings
    file: UpstreamFile
    keys: Mapping[str, SecretKey]
    """By source, of the account that submits."""
    applier_keys: Mapping[str, SecretKey]
    """By gate, of the account that claims and reports."""

    @property
    def by_account(self) -> dict[str, SecretKey]:
        """All of these keys."""
        return {key.principal: key for key in (*self.keys.values(), *self.applier_keys.values())}

    seal: TokenSeal
    pace: Pace


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises SettingsError, KeyFileError and what `serve_reader` raises."""
    file = read_upstream_file(read_upstream_settings().file)
    await run(settings, file, Pace(), health, stop)


async def run(
    settings: ServiceSettings,
    file: UpstreamFile,
    pace: Pace,
    health: Health,
    stop: asyncio.Event,
    *,
    group: str | None = None,
    on_listening: Callable[[int], None] | None = None,
) -> None:
    """`serve` with all its settings. `group`: a consumer group other than the default."""
    for name in ("httpx", "httpcore"):
        # They log addresses, of which some hold tokens.
        logging.getLogger(name).setLevel(logging.WARNING)
    own = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    keys = {each.name: own if each.key_file is None else load_key(each.key_file) for each in file.sources}
    applier_keys = {
        each.name: keys[each.name] if each.applier_key_file is None else load_key(each.applier_key_file)
        for each in file.of(GateFields)
    }
    setup = Setup(settings, file, keys, applier_keys, TokenSeal(own), pace)
    async with AsyncExitStack() as open_things:
        dsn = need(settings.postgres, "ASSENT_POSTGRES")
        pool = await open_pool(dsn, "assent_upstream", application="assent-upstream", size=_POOL_SIZE)
        open_things.callback(pool.terminate)
        partitions = await _unless_stopped(stop, reached(health, KAFKA, lambda: _partitions(settings)))
        if partitions is None:
            return
        gates = Gates(
            {each.name: each for each in file.sources if isinstance(each, Gate)},
            {name: key.principal for name, key in keys.items()},
            {name: key.principal for name, key in applier_keys.items()},
            file.console,
            partitions,
        )
        reader = ReaderSpec(
            reader="upstream",
            role="assent_upstream",
            topics=(LEDGER,),
            write=DecisionIntake(gates).write,
        )
        parts = Parts(setup, pool, gates, partitions, health, stop)
        await run_together(
            stop,
            serve_reader(reader, settings, health, stop, group=group),
            parts.intake(),
            parts.commands(),
            parts.answers(),
            parts.listen(on_listening),
            parts.look(),
        )


async def _unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, _T]) -> _T | None:
    """What `work` returns; None when `stop` was set before."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await end(working, stopping)


async def _partitions(settings: ServiceSettings) -> int:
    follower = await followed_governance(settings)
    try:
        return follower.partitions
    finally:
        await follower.stop()


class Parts:
    """The loops of a process. Each waits for the servers that it needs, and goes on by itself."""

    def __init__(
        self,
        setup: Setup,
        pool: asyncpg.Pool,
        gates: Gates,
        partitions: int,
        health: Health,
        stop: asyncio.Event,
    ) -> None:
        self._setup = setup
        self._pool = pool
        self._gates = gates
        self._partitions = partitions
        self._health = health
        self._stop = stop
        self._news = asyncio.Event()
        self._looked = SourceLoops(setup.file, setup.settings.kafka, pool, self._news.set)

    async def intake(self) -> None:
        """Map events as they arrive."""
        sources = {each.name: each for each in self._setup.file.sources}
        accounts = {name: key.principal for name, key in self._setup.keys.items()}
        intake = EventIntake(sources, accounts, self._gates, self._partitions)
        await self._loop(lambda: intake.take_one(self._pool))

    async def commands(self) -> None:
        """Publish commands."""
        producer = CommandProducer(self._setup.settings.kafka, COMMANDS)
        try:
            await _unless_stopped(self._stop, reached(self._health, KAFKA, producer.start))
            identity = self._setup.settings.identity
            sender = CommandSender(producer, self._setup.by_account, identity, self._setup.pace.again_s)
            await self._loop(lambda: sender.send_due(self._pool), condition=SENDING)
        finally:
            await producer.stop()

    async def answers(self) -> None:
        """Answer callers, look after those who wait, and forget what ended long ago."""
        unseal = self._setup.seal.unseal
        loop = AnswerLoop(
            self._gates,
            {name: send_of(gate, unseal) for name, gate in self._gates.of.items()},
            self._setup.pace.first_retry_s,
        )
        tls = ssl.create_default_context()
        async with httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False) as client:
            await asyncio.gather(
                self._loop(lambda: loop.send_due(self._pool, client)),
                self._regularly(
                    self._setup.pace.waiters_s, lambda: look_after_waiters(self._pool, self._gates)
                ),
                self._regularly(self._setup.pace.tidy_s, self._tidy),
            )

    async def listen(self, on_listening: Callable[[int], None] | None) -> None:
        """Receive webhooks."""
        http = self._setup.file.http
        if http is None:
            await self._stop.wait()
            return
        async with http_server(http.host, http.port, self._routes()) as port:
            self._health.ready(LISTENING)
            structlog.get_logger().info("listening", host=http.host, port=port)
            if on_listening is not None:
                on_listening(port)
            await self._stop.wait()

    async def look(self) -> None:
        """Look at folders, branches and topics."""
        await self._looked.run(self._health, self._stop)

    def _routes(self) -> dict[str, Route]:
        return self._looked.routes() | {
            source.path: HttpReceiver(source, self._pool, self._setup.seal, self._news.set).route
            for source in self._setup.file.sources
            if isinstance(source, HttpFields)
        }

    async def _tidy(self) -> None:
        keep_s = self._setup.file.keep_days * _DAY_S
        await self._pool.execute(events.SQL["forget"], keep_s)
        await self._pool.execute(events.SQL["forget_commands"])
        metrics.UPSTREAM_DEAD.set(await self._pool.fetchval(events.SQL["count_dead"]))

    async def _loop(self, work: Callable[[], Awaitable[bool]], condition: str | None = None) -> None:
        """Do the work until there is none, then wait for news. A server that is away is waited for."""
        while not self._stop.is_set():
            try:
                some = await work()
            except UNREACHABLE as error:
                self._health.not_ready(condition or POSTGRES, reason(error))
                structlog.get_logger().warning("not done", why=repr(error))
                some = False
            else:
                if condition is not None:
                    self._health.ready(condition)
            if not some:
                await self._rest(self._setup.pace.poll_s)

    async def _regularly(self, every_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stop.is_set():
            try:
                await work()
            except UNREACHABLE as error:
                structlog.get_logger().warning("not done", why=repr(error))
            await pause(self._stop, every_s)

    async def _rest(self, seconds: float) -> None:
        waiting = [asyncio.create_task(each.wait()) for each in (self._news, self._stop)]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            self._news.clear()


def check_file(environ: Mapping[str, str]) -> str:
    """A sentence about the file, checked with all that it names. Raises SettingsError with every fault."""
    file, faults = read_upstream_file(read_upstream_settings(environ).file), Faults()
    for source in file.sources:
        faults.note(*_faults_of_keys(source))
        if isinstance(source, FolderSource):
            faults.note(*_faults_of_folder(source))
    faults.raise_if_any()
    return f"It is good: {', '.join(each.name for each in file.sources) or 'no source'}."


def _faults_of_keys(source: Source) -> Iterator[str]:
    for field in ("key_file", "applier_key_file"):
        file = getattr(source, field, None)
        if file is not None:
            try:
                load_key(file)
            except KeyFileError as error:
                yield f"source {source.name}: {field}: {error}"
    if isinstance(source, Gate):
        try:
            send_of(source, lambda _sealed: "")
        except ValueError as error:
            yield f"source {source.name}: its key cannot be used: {error}."


def _faults_of_folder(source: FolderSource) -> Iterator[str]:
    # Files are read from the folder, and then moved to folders in it.
    folder = source.folder
    if not folder.is_dir():
        yield f"source {source.name}: there is no folder {folder}."
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield f"source {source.name}: the folder {folder} is not readable and writable."
