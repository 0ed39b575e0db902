"""A Postgres and its synchronous standby, with TLS: one is promoted when the other is killed."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg

from assent.local.child_process import Child, SystemUser, end_stale, plain_environment, spawn
from assent.local.data_directory import Directory
from assent.local.ports import HOST, HeldPort, hold_port
from assent.local.system_user import let_reach, user_for_postgres
from tests.support.cluster.certificates import Authority
from tests.support.cluster.logins import OWNER, POSTGRES_ROLES, REPLICA, Passwords
from tests.support.cluster.postgres_programs import postgres_programs
from tests.support.stack import until

DATABASE: Final = "assent"
_NAMES: Final = ("postgres-1", "postgres-2")
_FIRST_PORT: Final = 15_501
_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 20.0
_ACCESS: Final = f"""\
hostssl all         all       127.0.0.1/32 scram-sha-256
hostssl replication {REPLICA} 127.0.0.1/32 scram-sha-256
"""
_SETTINGS: Final = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
ssl_min_protocol_version = 'TLSv1.3'
timezone = 'UTC'
log_timezone = 'UTC'
wal_level = replica
hot_standby = on
wal_keep_size = '128MB'
"""


class PostgresPair:
    """Two servers, of which `primary` is the one that takes writes."""

    def __init__(
        self,
        directory: Directory,
        authority: Authority,
        passwords: Passwords,
        progress: Callable[[str], None],
    ) -> None:
        self.primary = 0
        self._directory = directory
        self._authority = authority
        self._passwords = passwords
        self._progress = progress
        self._programs = Path()
        self._user: SystemUser | None = None
        self._ports: list[HeldPort] = []
        self._children: dict[int, Child] = {}

    async def start(self) -> None:
        """Start both; returns when what is committed is on both. Raises StartFailed."""
        for name in ("postgres-initdb", *_NAMES):
            await end_stale(name, directory=self._directory)
        self._user = user_for_postgres()
        self._programs = await asyncio.to_thread(
            postgres_programs, self._directory.root / "postgres", self._progress
        )
        if self._user is not None:
            let_reach(self._programs, self._progress)
        self._ports = [
            hold_port(self._directory, name, usual=_FIRST_PORT + number) for number, name in enumerate(_NAMES)
        ]
        if not self._data(0).exists():
            self._progress("Making a database.")
            await self._initialise()
        self.primary = int((self._data(0) / "standby.signal").exists())
        await self._start_pair()

    async def stop(self) -> None:
        """Stop those that run, and give the ports back."""
        await self._stop_pair()
        for port in self._ports:
            port.release()

    async def kill_primary(self) -> None:
        """SIGKILL to the primary."""
        await self._children[self.primary].kill()

    async def promote(self) -> None:
        """Make the standby the primary; returns when it takes writes. It has no standby then."""
        self.primary = 1 - self.primary
        connection = await asyncpg.connect(self.dsn(OWNER, only=self.primary))
        try:
            assert await connection.fetchval("select pg_promote(wait_seconds => 30)")
        finally:
            await connection.close()

    async def renew_standby(self) -> None:
        """Make the other one a standby again, as a copy. The primary is stopped for that, for a moment."""
        await self._stop_pair()
        await self._copy_standby()
        await self._start_pair()

    def reload_certificates(self) -> None:
        """Have both read new certificates, while they run."""
        for number, name in enumerate(_NAMES):
            self._give_certificate(self._data(number), name)
            self._children[number].popen.send_signal(signal.SIGHUP)

    def dsn(self, login: str, *, only: int | None = None) -> str:
        """How a login reaches whichever server takes writes, or only one of them."""
        ports = [port.number for number, port in enumerate(self._ports) if only in (None, number)]
        hosts = ",".join(f"{HOST}:{port}" for port in ports)
        writes = "" if only is not None else "&target_session_attrs=read-write"
        return (
            f"postgresql://{login}:{self._passwords.of('postgres', login)}@{hosts}/{DATABASE}"
            f"?sslmode=verify-full&sslrootcert={quote(str(self._authority.file))}{writes}"
        )

    def address(self, number: int) -> tuple[str, int]:
        """Where a server answers."""
        return HOST, self._ports[number].number

    async def make_logins(self) -> None:
        """A login for each service that needs one, in its role. The tables are there."""
        connection = await asyncpg.connect(self.dsn(OWNER))
        try:
            for login, role in POSTGRES_ROLES.items():
                if not await connection.fetchval("select count(*) from pg_roles where rolname = $1", login):
                    password = self._passwords.of("postgres", login)
                    await connection.execute(f"create role {login} login password '{password}'")
                await connection.execute(f"grant {role} to {login}")
        finally:
            await connection.close()

    def _data(self, number: int) -> Path:
        return self._directory.root / _NAMES[number]

    async def _initialise(self) -> None:
        """Make the database in a folder beside it, with its replica's user; then copy it for the standby."""
        data = self._own_folder(self._data(0).with_name("postgres.new"))
        secret = self._for_postgres(
            data.with_name("postgres.password"), self._passwords.of("postgres", OWNER)
        )
        await self._spawn(
            "postgres-initdb",
            *("initdb", f"--pgdata={data}", f"--username={OWNER}", f"--pwfile={secret}", "--encoding=UTF8"),
            *("--auth=scram-sha-256", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ).succeeded(limit_s=_LIMIT_S)
        secret.unlink()
        self._for_postgres(data / "pg_hba.conf", _ACCESS)
        with (data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        self._give_certificate(data, _NAMES[0])
        data.rename(self._data(0))
        await self._start_one(0)
        connection = await asyncpg.connect(self.dsn(OWNER, only=0), database="postgres")
        try:
            await connection.execute(f"create database {DATABASE}")
            password = self._passwords.of("postgres", REPLICA)
            await connection.execute(f"create role {REPLICA} login replication password '{password}'")
        finally:
            await connection.close()
        await self._stop_pair()
        await self._copy_standby()

    async def _copy_standby(self) -> None:
        """Copy the primary's folder, while it does not run, and make the copy follow it."""
        number = 1 - self.primary
        await asyncio.to_thread(self._copy_folder, self._data(self.primary), self._data(number))
        self._give_certificate(self._data(number), _NAMES[number])
        password = self._for_postgres(
            self._data(number) / "replica.password",
            f"{HOST}:*:*:{REPLICA}:{self._passwords.of('postgres', REPLICA)}\n",
        )
        trusted = self._for_postgres(self._data(number) / "authority.crt", self._authority.file.read_text())
        source = (
            f"host={HOST} port={self._ports[self.primary].number} user={REPLICA} application_name=standby"
            # It looks for a certificate in the folder of the user who started it, which it cannot read.
            f" sslmode=verify-full sslcertmode=disable sslrootcert={trusted} passfile={password}"
        )
        self._for_postgres(self._data(number) / "postgresql.auto.conf", f"primary_conninfo = '{source}'\n")
        self._for_postgres(self._data(number) / "standby.signal", "")

    async def _start_pair(self) -> None:
        """Commits wait for the standby from the start, so it has to be there before anything is written."""
        await self._start_one(self.primary, "-c", "synchronous_standby_names=standby")
        await self._start_one(1 - self.primary)

        async def streams() -> bool:
            connection = await asyncpg.connect(self.dsn(OWNER, only=self.primary))
            try:
                return "sync" in {
                    row[0] for row in await connection.fetch("select sync_state from pg_stat_replication")
                }
            finally:
                await connection.close()

        await until(streams)

    async def _start_one(self, number: int, *settings: str) -> None:
        child = self._spawn(
            _NAMES[number],
            *("postgres", "-D", str(self._data(number)), "-p", str(self._ports[number].number)),
            *settings,
        )
        await child.ready(lambda: self._answers(number), limit_s=_LIMIT_S)
        self._children[number] = child

    async def _stop_pair(self) -> None:
        # The primary first: its standby then has all of it. SIGINT does not wait for clients.
        for number in (self.primary, 1 - self.primary):
            child = self._children.pop(number, None)
            if child is not None:
                await child.stop(signal.SIGINT, limit_s=_STOP_LIMIT_S)

    async def _answers(self, number: int) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn(OWNER, only=number), database="postgres", timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    def _spawn(self, name: str, program: str, *arguments: str) -> Child:
        return spawn(
            name,
            [str(self._programs / program), *arguments],
            directory=self._directory,
            env=plain_environment(),
            user=self._user,
            death_signal=signal.SIGQUIT,
        )

    def _give_certificate(self, data: Path, name: str) -> None:
        whole = self._authority.issue(name)
        self._for_postgres(data / "server.crt", whole.with_suffix(".crt").read_text())
        self._for_postgres(data / "server.key", whole.with_suffix(".key").read_text())

    def _copy_folder(self, source: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        for path in (target, *target.rglob("*")):
            self._hand_over(path)

    def _own_folder(self, path: Path) -> Path:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return self._hand_over(path)

    def _for_postgres(self, path: Path, text: str) -> Path:
        """A file that only Postgres's user can read. Its descriptor is never open for another one."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return self._hand_over(path)

    def _hand_over(self, path: Path) -> Path:
        if self._user is not None:
            os.chown(path, self._user.uid, self._user.gid)
        return path
