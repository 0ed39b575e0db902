"""All of Assent on this machine: Kafka, Postgres, the topics, the tables and every service."""

import asyncio
import os
import random
import secrets
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import structlog

from assent.decider.writer_key_check import load_writer_key, why_not_listed
from assent.founding.first_records import WRITER_KEY
from assent.ledger.topic_creation import apply_topics
from assent.ledger.topic_state import way_back
from assent.local import restart_delay
from assent.local.data_directory import Directory, replace_file
from assent.local.founded_log import read_founded
from assent.local.loss_notices import LossNotices
from assent.local.ports import HOST, HeldPort, hold_port
from assent.local.stack import Stack
from assent.local.supervisor import Service, ServiceStatus, State, Supervisor
from assent.observe.readiness import readiness
from assent.store.migrate import migrate
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import KeyFileError

KEYS = {"applier": "applier.key", "gateway": "gateway.key", "coordinator": "gateway.key"}
"""Services that sign, each with its key. Without the key they are not started."""
Optional = Literal["applier", "gateway", "notify", "coordinator"]
"""The services without which the others work."""
SERVICES = ("decider", "status", "audit", "dispatch", "applier", "gateway", "notify", "coordinator")
_USUAL_HTTP_PORT = 8800
_USUAL_CONSOLE_PORT = 8700
_WATCH_S = 0.5
_LOCAL_TOKEN_BYTES = 32
_WITHOUT = {
    "applier": "released changes wait for your own applier.",
    "gateway": "there is no console and no HTTP API.",
    "notify": "nobody is notified.",
    "coordinator": "a set of changes expires within an hour.",
}
_SERVERS = ("kafka", "postgres")
_CONSOLE = "console"

log = structlog.get_logger(__name__)


class WholeSystem:
    """The whole system on one data directory whose log has been founded."""

    def __init__(
        self,
        data: Path,
        *,
        without: Collection[Optional] = (),
        progress: Callable[[str], None] | None = None,
        on_change: Callable[[ServiceStatus], None] | None = None,
    ) -> None:
        """`without`: services that are not started. `progress` gets lines for people. `on_change` gets each
        change of state of a server or service.

        Raises NotFounded; KeyFileError when the writer's key is not there.
        """
        self.directory = Directory(data.resolve())
        self.founded = read_founded(self.directory)
        self._writer = load_writer_key(self.directory.keys / WRITER_KEY)
        self.stack = Stack(data, progress=progress)
        self._without = frozenset(without)
        self._progress = progress
        self._on_change = on_change
        self._ports: dict[str, HeldPort] = {}
        self._noted: set[str] = set()
        self._restarts: dict[str, int] = dict.fromkeys(_SERVERS, 0)
        self._watch: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        # A new one at each start, so that an old link signs no one in.
        self._local_token = secrets.token_urlsafe(_LOCAL_TOKEN_BYTES)
        self.supervisor: Supervisor | None = None

    @property
    def target(self) -> Path:
        """The folder that the applier writes into."""
        return self.directory.root / "target"

    @property
    def http(self) -> dict[str, str]:
        """Where each service answers to /livez, /readyz and /metrics."""
        return {
            name: f"http://{HOST}:{port.number}" for name, port in self._ports.items() if name != _CONSOLE
        }

    @property
    def console(self) -> str | None:
        """Where people open the console and programs find the HTTP API; None without a gateway."""
        port = self._ports.get(_CONSOLE)
        return None if port is None else f"http://localhost:{port.number}"

    @property
    def sign_in_link(self) -> str | None:
        """Where the demo's people sign in by a click. A secret for this machine's terminal alone.

        None without a gateway, or where people sign in at a provider.
        """
        if self.console is None or self._has_provider():
            return None
        return f"{self.console}/sign-in/local?token={self._local_token}"

    async def start(self) -> None:
        """Start everything; return when every service is ready.

        While a part of the log is lost, report it and wait for as long as needed: the rest is needed to
        repair it.

        Raises what Stack.start raises, TopicsError, KeyFileError when the decider's key is not a writer's,
        and TimeoutError that names what is not ready.
        """
        self._tell("Starting Kafka and Postgres.")
        for server in _SERVERS:
            self._note(server, "starting")
        await self.stack.start()
        for server in _SERVERS:
            self._note(server, "up")
        connection = Connection(bootstrap=self.stack.bootstrap)
        await self._apply_topics(connection)
        await self._check_writer(connection)
        await migrate(self.stack.dsn)
        names = [name for name in SERVICES if self._is_started(name)]
        for number, name in enumerate(names):
            self._ports[name] = hold_port(self.directory, name, usual=_USUAL_HTTP_PORT + number)
        if "gateway" in names:
            self._ports[_CONSOLE] = hold_port(self.directory, _CONSOLE, usual=_USUAL_CONSOLE_PORT)
        self._write_env()
        services = [self._service(name) for name in names]
        self.supervisor = Supervisor(self.directory, services, on_change=self._on_change)
        await self.supervisor.start()
        self._watch = asyncio.create_task(self._keep_stack(), name="stack")
        lost = LossNotices(self.http, self._tell)
        self._looking = asyncio.create_task(lost.watch(), name="lost")
        await self._until_ready(self.supervisor, lost)

    async def _until_ready(self, supervisor: Supervisor, lost: LossNotices) -> None:
        while True:
            try:
                return await supervisor.ready()
            except TimeoutError as error:
                if not lost.places:
                    raise TimeoutError(f"{error}.{await self._what_is_lacking()}") from None

    async def _what_is_lacking(self) -> str:
        """One line for each thing that a service lacks."""
        answers = await asyncio.gather(*(asyncio.to_thread(readiness, url) for url in self.http.values()))
        lines = {
            f"\n{name}: {reason.why} {reason.todo}"
            for name, said in zip(self.http, answers, strict=True)
            for reason in said.missing.values()
        }
        return "".join(sorted(lines))

    async def _apply_topics(self, connection: Connection) -> None:
        applied = await apply_topics(connection, partitions=self.founded.partitions)
        for each in applied.changed:
            self._tell(f"{each}: it was corrected.")
        applied.must_fit(surplus=True)
        # No decider leads while these exist, but repairing them needs a running Kafka.
        for each in applied.partitions:
            self._tell(f"{each}. {way_back(each)}")

    async def _check_writer(self, connection: Connection) -> None:
        """Check the decider's key: with a wrong one everything would be up, but nothing would be decided."""
        follower = GovernanceFollower(connection, self.founded.identity)
        await follower.start()
        try:
            why = why_not_listed(follower, self._writer)
        finally:
            await follower.stop()
        if why is not None:
            raise KeyFileError(f"{why.why} {why.todo}")

    def _is_started(self, name: str) -> bool:
        if name in self._without:
            self._tell(f"Without {name}: {_WITHOUT[name]}")
            return False
        return name not in KEYS or self._has_key(name)

    def _has_key(self, name: str) -> bool:
        there = (self.directory.keys / KEYS[name]).exists()
        if not there:
            self._tell(f"No {KEYS[name]} in {self.directory.keys}: {_WITHOUT[name]}")
        return there

    def _write_env(self) -> None:
        # The stack's own values, and where each service answers, for `assent doctor`.
        services = {f"http.{name}": url for name, url in self.http.items()}
        self.directory.write_env({"bootstrap": self.stack.bootstrap, "dsn": self.stack.dsn} | services)

    def _tell(self, line: str) -> None:
        if self._progress is not None:
            self._progress(line)

    def _note(self, server: str, state: State) -> None:
        if state != "stopped":
            self._noted.add(server)
        if self._on_change is not None:
            pids = {"kafka": self.stack.kafka.pid, "postgres": self.stack.postgres.pid}
            pid = pids[server] if state == "up" else None
            self._on_change(ServiceStatus(server, state, time.time(), self._restarts[server], pid))

    async def stop(self) -> None:
        """Stop the services, then Kafka and Postgres. Safe to repeat."""
        watching = [task for task in (self._watch, self._looking) if task is not None]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        self._watch = self._looking = None
        if self.supervisor is not None:
            await self.supervisor.stop()
        await self.stack.stop()
        noted, self._noted = sorted(self._noted), set()
        for server in noted:
            self._note(server, "stopped")
        for port in self._ports.values():
            port.release()
        self._ports = {}

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _service(self, name: str) -> Service:
        env = {
            "ASSENT_KAFKA": self.stack.bootstrap,
            "ASSENT_POSTGRES": self.stack.dsn,
            "ASSENT_IDENTITY": self.founded.identity,
            "ASSENT_HTTP_PORT": str(self._ports[name].number),
            "ASSENT_STATE": str(self.directory.root / "state" / name),
        }
        if name == "decider":
            env["ASSENT_KEY_FILE"] = str(self.directory.keys / WRITER_KEY)
            env["ASSENT_CLOCK_FILE"] = str(self.directory.clock)
        if name in KEYS:
            env["ASSENT_KEY_FILE"] = str(self.directory.keys / KEYS[name])
        if name == "applier":
            env["ASSENT_TARGET"] = str(self.target)
        if name == "gateway":
            env |= self._gateway_env()
        if name == "notify" and self.console is not None:
            env["ASSENT_PUBLIC_URL"] = self.console
        return Service(
            name, [sys.executable, "-m", f"assent.{name}"], env, ready_url=f"{self.http[name]}/readyz"
        )

    def _gateway_env(self) -> dict[str, str]:
        assert self.console is not None
        # With a provider configured, people sign in there. Otherwise they sign in by a click, on loopback
        # only.
        local: dict[str, str] = {}
        if not self._has_provider():
            path = self.directory.secrets / "local-sign-in"
            replace_file(path, self._local_token + "\n", mode=0o600)
            local = {"ASSENT_LOCAL_SIGN_IN_FILE": str(path)}
        return {
            "ASSENT_GATEWAY_PORT": str(self._ports[_CONSOLE].number),
            "ASSENT_PUBLIC_URL": self.console,
            **local,
        }

    @staticmethod
    def _has_provider() -> bool:
        return bool(os.environ.get("ASSENT_OIDC_ISSUER"))

    async def _keep_stack(self) -> None:
        await asyncio.gather(*(self._keep(server) for server in _SERVERS))

    async def _keep(self, name: str) -> None:
        server = self.stack.kafka if name == "kafka" else self.stack.postgres
        failures = 0
        while True:
            await asyncio.sleep(_WATCH_S)
            if server.pid is not None:
                continue
            log.warning("server ended", server=name)
            self._note(name, "starting")
            try:
                await server.start()
            except Exception:
                failures += 1
                log.exception("server could not be started", server=name)
                self._note(name, "backing off")
                # S311: guessing it gains nothing.
                await asyncio.sleep(restart_delay.delay_s(failures, random.random()))  # noqa: S311
            else:
                failures = 0
                self._restarts[name] += 1
                self._note(name, "up")
