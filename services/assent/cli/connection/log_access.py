"""A log's Kafka and Postgres, as a command reaches them without a gateway."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from assent.cli.options import Options
from assent.local.data_directory import Directory
from assent.local.founded_log import read_founded
from assent.process_settings import read_connection, read_postgres
from assent.store.pool import open_pool
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.governance.state import Governance

_SERVICE = "http."


@dataclass(frozen=True)
class LogAccess:
    """How to reach one log."""

    connection: Connection
    identity: str
    dsn: str
    services: dict[str, str] = field(default_factory=dict)
    """The health address of each service of the local system; empty for a cluster."""


class UnreachableError(Exception):
    """The command does not know how to reach a log, or as whom; the message states what to set."""


def log_access(options: Options) -> LogAccess:
    """From ASSENT_KAFKA, ASSENT_IDENTITY and ASSENT_POSTGRES, else from the stack that runs on --data.

    Raises StackNotRunning, NotFounded, SettingsError, UnreachableError.
    """
    if "ASSENT_KAFKA" in os.environ:
        identity, dsn = os.environ.get("ASSENT_IDENTITY"), read_postgres(os.environ)
        if identity is None or dsn is None:
            missing = [name for name, value in (("IDENTITY", identity), ("POSTGRES", dsn)) if value is None]
            names = " and ".join(f"ASSENT_{each}" for each in missing)
            raise UnreachableError(f"ASSENT_KAFKA is set, so set {names} too.")
        return LogAccess(read_connection(os.environ), identity, dsn)
    directory = Directory(options.data.resolve())
    founded = read_founded(directory)
    env = directory.read_env()
    services = {name.removeprefix(_SERVICE): url for name, url in env.items() if name.startswith(_SERVICE)}
    return LogAccess(Connection(bootstrap=env["bootstrap"]), founded.identity, env["dsn"], services)


@asynccontextmanager
async def following_governance(access: LogAccess) -> AsyncIterator[GovernanceFollower]:
    """The governance of a log. Raises NotFoundedError, KafkaError."""
    follower = GovernanceFollower(access.connection, access.identity)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


def governance_of(follower: GovernanceFollower) -> Governance:
    """The state of governance now. Do not change it."""
    return follower.past.at(len(follower.history) - 1)


@asynccontextmanager
async def reading_tables(access: LogAccess) -> AsyncIterator[asyncpg.Pool]:
    """The tables of a log. Raises what asyncpg raises when Postgres cannot be reached."""
    pool = await open_pool(access.dsn, "assent_reader", application="assent-cli", size=2)
    try:
        yield pool
    finally:
        await pool.close()
