"""Three Kafka brokers, which are controllers too, in three racks."""

import asyncio
import signal
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from assent.local.broker import QUICK, Java, java
from assent.local.child_process import Child, end_stale, spawn
from assent.local.data_directory import Directory
from assent.local.jars import cache_directory, kafka_jars
from assent.local.kafka_start_cache import ahead_of_time
from assent.local.ports import HOST, HeldPort, hold_port
from assent_contracts.client.connection import Connection
from tests.support.cluster.broker_properties import Ports, certificate_name, properties, scram_user
from tests.support.cluster.certificates import Authority
from tests.support.cluster.logins import ADMIN, KAFKA_LOGINS, Passwords

NODES: Final = (1, 2, 3)
_FIRST_PORT: Final = 19_091
_HEAP: Final = "-Xmx384m"
_LIMIT_S: Final = 120.0
_STOP_LIMIT_S: Final = 30.0
_STOP_ALL_LIMIT_S: Final = 10.0
"""The last ones cannot tell a controller that they leave."""
_LOOK_S: Final = 0.1


class Brokers:
    """Kafka of a cluster. Its data is kept, so a broker comes back with what it had."""

    def __init__(
        self,
        directory: Directory,
        authority: Authority,
        passwords: Passwords,
        progress: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._authority = authority
        self._passwords = passwords
        self._progress = progress
        self._held: list[HeldPort] = []
        self._ports: dict[int, Ports] = {}
        self._program: Java | None = None
        self._children: dict[int, Child] = {}

    async def start(self) -> None:
        """Start all of them; returns when each sees the others. Raises StartFailed, JarsUnavailable."""
        for node in NODES:
            await end_stale(certificate_name(node), directory=self._directory)
        cache = cache_directory()
        jars = await asyncio.to_thread(kafka_jars, cache, self._progress)
        flags = await ahead_of_time(cache, jars, self._progress)
        self._program = java(jars, *flags, *QUICK, _HEAP)
        self._ports = {node: self._hold(node) for node in NODES}
        for node in NODES:
            self._write_properties(node)
        if not self._data(NODES[0]).exists():
            self._progress("Formatting the brokers' storage, with a user for each program.")
            await self._format()
        self._progress("Starting three brokers.")
        await self.revive(*NODES)

    async def stop(self) -> None:
        """Stop those that run, all at once, and give the ports back."""
        await asyncio.gather(
            *(child.stop(signal.SIGTERM, limit_s=_STOP_ALL_LIMIT_S) for child in self._children.values())
        )
        for port in self._held:
            port.release()

    async def stop_one(self, node: int) -> None:
        """An orderly stop: it hands its partitions to the others first."""
        await self._children[node].stop(signal.SIGTERM, limit_s=_STOP_LIMIT_S)

    async def kill(self, *nodes: int) -> None:
        """SIGKILL."""
        await asyncio.gather(*(self._children[node].kill() for node in nodes))

    async def revive(self, *nodes: int) -> None:
        """Start brokers that do not run; returns when they answer and all replicas are in sync."""
        for node in nodes:
            self._run(node)
        async with asyncio.timeout(_LIMIT_S):
            for node in nodes:
                child = self._children[node]
                while not await self._sees_all(node):
                    if not child.running:
                        raise child.failed("ended before it was ready")
                    await asyncio.sleep(_LOOK_S)
        await self.settled()

    async def settled(self) -> None:
        """Return when every partition has all its replicas in sync."""
        async with asyncio.timeout(_LIMIT_S):
            while not await self.in_sync():
                await asyncio.sleep(_LOOK_S)

    def run(self, *nodes: int) -> None:
        """Start brokers that do not run, and return at once."""
        for node in nodes:
            self._run(node)

    def connection(self, login: str) -> Connection:
        """How a login reaches the cluster."""
        return self._at(login, *(ports.clients for ports in self._ports.values()))

    async def controller(self) -> int:
        """The node of the active controller."""
        async with _admin(self.connection(ADMIN)) as admin:
            return int((await admin.describe_cluster())["controller_id"])

    async def in_sync(self) -> bool:
        """Whether every partition has all its replicas in sync."""
        try:
            async with _admin(self.connection(ADMIN)) as admin:
                topics = await admin.describe_topics()
        except (KafkaError, OSError, TimeoutError):
            return False
        return all(
            set(each["isr"]) == set(each["replicas"]) and each["leader"] >= 0
            for topic in topics
            for each in topic["partitions"]
        )

    def address(self, node: int) -> tuple[str, int]:
        """Where a broker answers programs."""
        return HOST, self._ports[node].clients

    async def run_tool(self, main_class: str, name: str, arguments: Iterable[str]) -> None:
        """Run a program of Kafka; its output is in the log called `name`. Raises StartFailed.

        The arguments are passed in a file, because other users see a command line.
        """
        assert self._program is not None
        words = self._directory.secrets / f"{name}.arguments"
        words.touch(0o600)
        words.write_text("\n".join(f"'{word}'" for word in (main_class, *arguments)))
        argv = [*self._program.argv, f"@{words}"]
        child = spawn(name, argv, directory=self._directory, env=self._program.env)
        try:
            await child.succeeded(limit_s=_LIMIT_S)
        finally:
            words.unlink()

    async def renew_certificates(self) -> None:
        """Give each broker a new certificate, which it reads while it runs."""
        client = self._directory.secrets / "admin.properties"
        client.touch(0o600)
        client.write_text(
            "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
            "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required"
            f' username="{ADMIN}" password="{self._passwords.of("kafka", ADMIN)}";\n'
            f"ssl.truststore.type=PEM\nssl.truststore.location={self._authority.file}\n"
        )
        for node in NODES:
            file = self._authority.issue(certificate_name(node))
            # Setting what is set already makes the broker read the file.
            listeners = (
                f"listener.name.{name}.ssl.keystore.location={file}" for name in ("clients", "brokers")
            )
            await self.run_tool(
                "kafka.admin.ConfigCommand",
                f"certificate-{node}",
                [
                    f"--bootstrap-server={HOST}:{self._ports[node].clients}",
                    f"--command-config={client}",
                    "--alter",
                    "--entity-type=brokers",
                    f"--entity-name={node}",
                    f"--add-config={','.join(listeners)}",
                ],
            )

    def _hold(self, node: int) -> Ports:
        first = _FIRST_PORT + 10 * (node - 1)
        names = ("clients", "brokers", "controllers")
        held = [
            hold_port(self._directory, f"{certificate_name(node)}-{name}", usual=first + number)
            for number, name in enumerate(names)
        ]
        self._held += held
        return Ports(*(port.number for port in held))

    def _data(self, node: int) -> Path:
        return self._directory.root / f"kafka-{node}"

    def _properties(self, node: int) -> Path:
        return self._directory.run / f"{certificate_name(node)}.properties"

    def _write_properties(self, node: int) -> None:
        name = certificate_name(node)
        text = properties(
            node,
            self._ports,
            data=self._data(node),
            certificate=self._authority.certificate(name),
            authority=self._authority.file,
            admin=ADMIN,
        )
        self._properties(node).write_text(text)

    async def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)
        users = [
            word
            for login in KAFKA_LOGINS
            for word in ("--add-scram", scram_user(login, self._passwords.of("kafka", login)))
        ]
        await asyncio.gather(
            *(
                self.run_tool(
                    "kafka.tools.StorageTool",
                    f"format-{node}",
                    ["format", f"--cluster-id={cluster}", f"--config={self._properties(node)}", *users],
                )
                for node in NODES
            )
        )
        for node in NODES:
            # They name each user with what would do to sign in.
            self._directory.log(f"format-{node}").unlink()

    def _run(self, node: int) -> None:
        assert self._program is not None
        argv = [*self._program.argv, "kafka.Kafka", str(self._properties(node))]
        self._children[node] = spawn(
            certificate_name(node), argv, directory=self._directory, env=self._program.env
        )

    async def _sees_all(self, node: int) -> bool:
        """Whether a broker answers, and knows of all that run. One that is cut off lists the others too."""
        try:
            async with _admin(self._at(ADMIN, self._ports[node].clients)) as admin:
                there = {each["node_id"] for each in (await admin.describe_cluster())["brokers"]}
        except (KafkaError, OSError, TimeoutError):
            return False
        return there >= {each for each, child in self._children.items() if child.running}

    def _at(self, login: str, *ports: int) -> Connection:
        return Connection(
            bootstrap=",".join(f"{HOST}:{port}" for port in ports),
            security_protocol="SASL_SSL",
            ca_file=str(self._authority.file),
            sasl_username=login,
            sasl_password=self._passwords.of("kafka", login),
        )


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    options: dict[str, Any] = {**connection.options(), "request_timeout_ms": 3_000}
    client = AIOKafkaAdminClient(**options)
    try:
        await client.start()
        yield client
    finally:
        await client.close()
