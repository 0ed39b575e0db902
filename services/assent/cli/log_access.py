"""How a command reaches the log: Kafka and Postgres, or a gateway; and the key that it signs with."""

import ipaddress
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from assent.cli.options import Options, Sender
from assent.local.directory import Directory
from assent.local.founded import NotFounded, read_founded
from assent.settings import read_connection
from assent.store.pool import open_pool
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.core.governance.cursor import advance
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import DIGEST_PATTERN

_SERVICE = "http."
_URL_MAX_CHARS = 300
_OF_THE_LOG = frozenset({"writer", "recovery"})
"""Keys in the same folder that are no principal's."""


@dataclass(frozen=True)
class LogAccess:
    """How to reach one log."""

    connection: Connection
    identity: str
    dsn: str
    services: dict[str, str] = field(default_factory=dict)
    """Where each service of the local system answers for its health; empty elsewhere."""


@dataclass(frozen=True)
class Server:
    """A gateway that reads for us and relays what we have signed."""

    url: str
    """Scheme and host."""
    is_loopback: bool
    identity: str
    """Of the log that what we sign is for: told to us, never by the gateway."""
    key: SecretKey
    timeout_s: float
    as_json: bool
    """Whether the command prints JSON, what goes wrong included."""


Way = LogAccess | Server
"""Which way to a log."""


class UnreachableError(Exception):
    """The command was not told how to reach a log, or as whom; the message says how to tell it."""


def log_access(options: Options) -> LogAccess:
    """From ASSENT_KAFKA, ASSENT_IDENTITY and ASSENT_POSTGRES, else from the stack that runs on --data.

    Raises StackNotRunning, NotFounded, SettingsError, UnreachableError.
    """
    if "ASSENT_KAFKA" in os.environ:
        missing = [name for name in ("ASSENT_IDENTITY", "ASSENT_POSTGRES") if name not in os.environ]
        if missing:
            raise UnreachableError(f"ASSENT_KAFKA is set, so set {' and '.join(missing)} too.")
        environ = os.environ
        return LogAccess(read_connection(environ), environ["ASSENT_IDENTITY"], environ["ASSENT_POSTGRES"])
    directory = Directory(options.data.resolve())
    founded = read_founded(directory)
    env = directory.read_env()
    services = {name.removeprefix(_SERVICE): url for name, url in env.items() if name.startswith(_SERVICE)}
    return LogAccess(Connection(bootstrap=env["bootstrap"]), founded.identity, env["dsn"], services)


def way(sender: Sender, options: Options) -> Way:
    """By --server or ASSENT_SERVER through a gateway, else as `log_access` says.

    Raises what `log_access` and `key_of` raise.
    """
    if sender.server is None:
        return log_access(options)
    url, is_loopback = _server_url(sender.server)
    key = key_of(sender, options)
    return Server(url, is_loopback, _identity_of(sender, options), key, sender.timeout, options.json)


def _identity_of(sender: Sender, options: Options) -> str:
    """The log's identity. Raises UnreachableError."""
    identity = sender.identity
    if identity is None:
        try:
            identity = read_founded(Directory(options.data.resolve())).identity
        except NotFounded:
            raise UnreachableError(
                "Say which log this is for: --identity, or ASSENT_IDENTITY. It is 64 hex digits, the same for"
                " everybody; get it from an administrator (`assent env` prints it), not from the gateway."
            ) from None
    if re.fullmatch(DIGEST_PATTERN, identity) is None:
        raise UnreachableError(f"--identity is 64 lower-case hex digits, not {identity[:80]!r}.")
    return identity


def _server_url(text: str) -> tuple[str, bool]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username, parts.password)
    if parts.scheme not in ("http", "https") or not host or any(rest) or len(text) > _URL_MAX_CHARS:
        raise UnreachableError(
            f"--server is a scheme and a host, such as https://assent.example, not {text[:100]!r}."
        )
    is_loopback = _is_loopback(host)
    if parts.scheme == "http" and not is_loopback:
        raise UnreachableError(
            f"--server {text} is not encrypted: what you read would be open to everybody on the way."
            " Use https://; http:// is for this machine alone."
        )
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}", is_loopback


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def key_of(sender: Sender, options: Options) -> SecretKey:
    """The key to sign with. Raises KeyFileError, UnreachableError."""
    if sender.key is not None:
        return load_key(sender.key)
    folder = options.data / "keys"
    if sender.as_ is None:
        raise UnreachableError(f"Say who you are: --as PRINCIPAL, or --key FILE.{_keys_in(folder)}")
    path = folder / f"{sender.as_}.key"
    if "/" in sender.as_ or sender.as_.startswith(".") or not path.is_file():
        missing = f"There is no key of {sender.as_!r} in {folder}; --key FILE takes one from elsewhere."
        raise UnreachableError(missing + _keys_in(folder))
    key = load_key(path)
    if key.principal != sender.as_:
        raise UnreachableError(f"{path} is a key of {key.principal!r}; say --key {path} to sign as them.")
    return key


def _keys_in(folder: Path) -> str:
    names = sorted(path.stem for path in folder.glob("*.key") if path.stem not in _OF_THE_LOG)
    return f" Keys in {folder}: {', '.join(names)}." if names else ""


@asynccontextmanager
async def following(to: LogAccess) -> AsyncIterator[GovernanceFollower]:
    """The governance of a log. Raises NotFoundedError, KafkaError."""
    follower = GovernanceFollower(to.connection, to.identity)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


def governance_of(follower: GovernanceFollower) -> Governance:
    """The state of governance now."""
    return governance_at(follower, len(follower.history) - 1)


def governance_at(follower: GovernanceFollower, seq: int) -> Governance:
    """The state of governance as its record `seq` left it."""
    governance = Governance()
    advance(governance, follower.history, seq)
    return governance


@asynccontextmanager
async def reading(to: LogAccess) -> AsyncIterator[asyncpg.Pool]:
    """The tables of a log. Raises what asyncpg raises when Postgres cannot be reached."""
    pool = await open_pool(to.dsn, "assent_reader", application="assent-cli", size=2)
    try:
        yield pool
    finally:
        await pool.close()
