"""All of a cluster: the servers, the topics, the rights, the tables and a founded log."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, Self

from assent.infra_files import infra_path
from assent.local.data_directory import Directory
from assent_contracts.client.keys import load_key
from tests.support.cli import Answer, Cli
from tests.support.cluster.brokers import Brokers
from tests.support.cluster.certificates import Authority
from tests.support.cluster.logins import ADMIN, OWNER, POSTGRES_ROLES, Passwords
from tests.support.cluster.postgres_pair import PostgresPair
from tests.support.log import PARTITIONS, Log


class ClusterError(Exception):
    """A command that sets the cluster up has failed; the message has what it printed."""


class Cluster:
    """Servers in one folder, and a log on them that `assent` itself has founded."""

    def __init__(self, folder: Path, progress: Callable[[str], None] = print) -> None:
        """`folder`: an absolute path. What is there is used again."""
        self.directory = Directory(folder)
        self.directory.create()
        self._progress = progress
        self._passwords = Passwords(self.directory.secrets)
        authority = Authority(folder / "certificates")
        self.authority = authority
        self.brokers = Brokers(self.directory, authority, self._passwords, progress)
        self.postgres = PostgresPair(self.directory, authority, self._passwords, progress)

    async def __aenter__(self) -> Self:
        """Start the servers, and found a log if there is none. Raises StartFailed, ClusterError."""
        try:
            await _all_of(self.postgres.start(), self.brokers.start())
            if not self._founding.exists():
                await self._found()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop the servers."""
        await self._stop()

    @property
    def keys(self) -> Path:
        """The folder of the key files of everybody in the demo's governance file."""
        return self._founding / "keys"

    def log(self) -> Log:
        """The log, as a person at the command line reaches it."""
        keys = {path.stem: load_key(path) for path in self.keys.glob("*.key")}
        return Log(
            self.brokers.connection("cli"),
            self._identity.read_text().strip(),
            keys["writer"],
            keys,
            self.keys,
        )

    def environment(self, login: str) -> dict[str, str]:
        """How a program with this login reaches the log: the variables that every service reads."""
        connection = self.brokers.connection(login)
        environ = {
            "ASSENT_KAFKA": connection.bootstrap,
            "ASSENT_KAFKA_SECURITY_PROTOCOL": connection.security_protocol,
            "ASSENT_KAFKA_CA_FILE": str(self.authority.file),
            "ASSENT_KAFKA_SASL_MECHANISM": connection.sasl_mechanism,
            "ASSENT_KAFKA_SASL_USERNAME": login,
            "ASSENT_KAFKA_SASL_PASSWORD_FILE": str(self._passwords.file("kafka", login)),
        }
        if login == ADMIN:
            environ["ASSENT_POSTGRES"] = self.postgres.dsn(OWNER)
        elif login in POSTGRES_ROLES:
            environ["ASSENT_POSTGRES"] = self.postgres.dsn(login)
        if self._identity.exists():
            environ["ASSENT_IDENTITY"] = self._identity.read_text().strip()
        return environ

    def cli(self, login: str) -> Cli:
        """`assent`, as this login."""
        return Cli(self._founding, env=self.environment(login))

    @property
    def _founding(self) -> Path:
        return self.directory.root / "founding"

    @property
    def _identity(self) -> Path:
        return self._founding / "identity"

    async def _found(self) -> None:
        """Set the log up by the commands that an operator types, each as the login that it is for."""
        await self._assent(ADMIN, "acls", "apply", "--founding")
        await self._assent(
            "topics", "topics", "apply", "--partitions", str(PARTITIONS), "--replication-factor", "3"
        )
        shutil.rmtree(self._founding, ignore_errors=True)
        governance = str(infra_path("demo/governance.toml"))
        founded = await self._assent("founder", "init", governance, "--make-keys", "--json")
        await self._assent(ADMIN, "acls", "apply", "--remove-others")
        await self._assent(ADMIN, "tables", "apply")
        await self.postgres.make_logins()
        self._identity.write_text(founded.json["identity"] + "\n")

    async def _assent(self, login: str, *arguments: str) -> Answer:
        self._progress(f"assent {' '.join(arguments)}   (as {login})")
        answer = await asyncio.to_thread(self.cli(login), *arguments)
        if answer.code != 0:
            msg = f"assent {' '.join(arguments)} exited with {answer.code}: {answer.err}{answer.out}"
            raise ClusterError(msg)
        return answer

    async def _stop(self) -> None:
        await asyncio.gather(self.brokers.stop(), self.postgres.stop())


async def _all_of(*starts: Coroutine[Any, Any, None]) -> None:
    """Wait for all of them, also if one fails: what has begun to start can then be stopped."""
    for ended in await asyncio.gather(*starts, return_exceptions=True):
        if ended is not None:
            raise ended


PLACE: Final = Path(".data/cluster")
"""Where `make cluster` keeps its data, in the checkout."""
