"""The options that every command shares, and how a command reaches the log."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import asyncpg
from cyclopts import Parameter

from assent.core.governance.cursor import advance
from assent.core.governance.state import Governance
from assent.local.directory import Directory
from assent.local.founded import read_founded
from assent.settings import read_connection
from assent.store.pool import open_pool
from assent.store.queries import heads
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import Publisher


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Options of every command."""

    data: Annotated[Path, Parameter(env_var="ASSENT_DATA")] = Path("assent-data")
    "The data directory of the local stack."

    json: Annotated[bool, Parameter(negative="")] = False
    "Print JSON, for scripts."


@Parameter(name="*")
@dataclass(frozen=True)
class Sender:
    """Who sends a command, and how long to wait for its decision."""

    as_: Annotated[str | None, Parameter(name="--as", env_var="ASSENT_AS")] = None
    "The principal; its key is DATA/keys/PRINCIPAL.key."

    key: Annotated[Path | None, Parameter(env_var="ASSENT_KEY")] = None
    "A key file, instead of --as."

    timeout: float = 30.0
    "Seconds to wait for the decision."


@dataclass(frozen=True)
class Reach:
    """How to reach one log."""

    connection: Connection
    identity: str
    dsn: str


class UnreachableError(Exception):
    """The command was not told how to reach a log; the message says how to tell it."""


def reach(options: Options) -> Reach:
    """From ASSENT_KAFKA, ASSENT_IDENTITY and ASSENT_POSTGRES, else from the stack that runs on --data.

    Raises StackNotRunning, NotFounded, SettingsError, UnreachableError.
    """
    if "ASSENT_KAFKA" in os.environ:
        missing = [name for name in ("ASSENT_IDENTITY", "ASSENT_POSTGRES") if name not in os.environ]
        if missing:
            raise UnreachableError(f"ASSENT_KAFKA is set, so set {' and '.join(missing)} too.")
        environ = os.environ
        return Reach(read_connection(environ), environ["ASSENT_IDENTITY"], environ["ASSENT_POSTGRES"])
    directory = Directory(options.data.resolve())
    founded = read_founded(directory)
    env = directory.read_env()
    return Reach(Connection(bootstrap=env["bootstrap"]), founded.identity, env["dsn"])


def key_of(sender: Sender, options: Options) -> SecretKey:
    """The key to sign with. Raises KeyFileError, UnreachableError."""
    if sender.key is not None:
        return load_key(sender.key)
    if sender.as_ is None:
        raise UnreachableError("Say who you are: --as PRINCIPAL, or --key FILE.")
    if "/" in sender.as_ or sender.as_.startswith("."):
        raise UnreachableError("--as takes the name of a principal.")
    return load_key(options.data / "keys" / f"{sender.as_}.key")


@asynccontextmanager
async def following(to: Reach) -> AsyncIterator[GovernanceFollower]:
    """The governance of a log. Raises NotFoundedError, KafkaError."""
    follower = GovernanceFollower(to.connection, to.identity)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


def governance_of(follower: GovernanceFollower) -> Governance:
    """The state of governance now."""
    governance = Governance()
    advance(governance, follower.history, len(follower.history) - 1)
    return governance


@asynccontextmanager
async def publishing(to: Reach, source: str) -> AsyncIterator[Publisher]:
    """A publisher that hears decisions from where the status tables stand.

    Raises NotFoundedError, KafkaError, and what asyncpg raises when Postgres cannot be reached.
    """
    async with reading(to) as db:
        known = await heads(db)
    async with following(to) as follower:
        publisher = Publisher(
            to.connection,
            follower,
            partitions=governance_of(follower).partitions,
            source=source,
            heads=known,
        )
        await publisher.start()
        try:
            yield publisher
        finally:
            await publisher.stop()


@asynccontextmanager
async def reading(to: Reach) -> AsyncIterator[asyncpg.Pool]:
    """The tables of a log. Raises what asyncpg raises when Postgres cannot be reached."""
    pool = await open_pool(to.dsn, "assent_reader", application="assent-cli", size=2)
    try:
        yield pool
    finally:
        await pool.close()
