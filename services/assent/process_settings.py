"""A process's settings, from its environment. Every service reads the same variables.

Each setting that is missing or wrong is reported, with what to do, before anything starts.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from assent_contracts.client.connection import Connection
from assent_contracts.client.environment import (
    SECRET_MAX_BYTES,
    Faults,
    SettingsError,
    kafka_variable,
    optional_path,
    read_connection,
    read_identity,
    read_secret_file,
)
from assent_contracts.client.keys import KeyFileError, SecretKey, load_key

__all__ = [
    "SECRET_MAX_BYTES",
    "Check",
    "Faults",
    "ServiceSettings",
    "SettingsError",
    "check_settings",
    "kafka_variable",
    "need",
    "need_key",
    "need_postgres",
    "need_state",
    "read_connection",
    "read_postgres",
    "read_secret_file",
    "read_settings",
]

_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_KEY: Final = "ASSENT_KEY_FILE"
_STATE: Final = "ASSENT_STATE"
_POSTGRES: Final = "ASSENT_POSTGRES"
_POSTGRES_FILE: Final = "ASSENT_POSTGRES_FILE"
_POSTGRES_PASSWORD_FILE: Final = "ASSENT_POSTGRES_PASSWORD_FILE"  # noqa: S105  a name

_T = TypeVar("_T")

Check = Callable[[Mapping[str, str]], object]
"""Reads a part of a service's settings from an environment. Raises SettingsError if it cannot be used."""


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that every service reads. Secrets are read from files.

    Each field's docstring begins with its variable, because the settings reference is made from these
    docstrings. Where several variables give one field, each has a paragraph.
    """

    kafka: Connection
    identity: str
    """ASSENT_IDENTITY: the log's identity, the SHA-256 (64 hex digits) of its first governance record, as
    `assent init` prints it. Required.
    """
    postgres: str | None
    """ASSENT_POSTGRES: the database, `postgresql://USER@HOST:5432/NAME`. Required by status, audit, notify,
    upstream and the gateway, here or in a file. If it is set, the decider reads heads from it.

    ASSENT_POSTGRES_FILE: the file with the database's address, instead of `ASSENT_POSTGRES`. For an address
    that contains the password.

    ASSENT_POSTGRES_PASSWORD_FILE: the file with the password of the user in that address.
    """
    key_file: Path | None
    """ASSENT_KEY_FILE: the file with the service's own signing key. Required by the decider, the gateway, the
    coordinator, the applier, the reconciler, upstream and the MCP proxy."""
    http_port: int | None
    """ASSENT_HTTP_PORT: the port for `/livez`, `/readyz` and `/metrics`. Without it the service does not
    serve them. The gateway also serves them on its own port.
    """
    http_host: str
    """ASSENT_HTTP_HOST: the address to which that port is bound. Default: `127.0.0.1`."""
    target: Path | None
    """ASSENT_TARGET: the folder to which the applier applies changes. Not used if the next one is set."""
    applier_file: Path | None
    """ASSENT_APPLIER_FILE: the file that configures the applier, if it applies changes elsewhere."""
    reconcile_file: Path | None
    """ASSENT_RECONCILE_FILE: the file that configures the reconciler. Required by it."""
    state: Path | None
    """ASSENT_STATE: the service's folder for what must outlive a restart. Required by the applier, the MCP
    proxy and the reconciler, which only reads again what it noted there. The decider keeps the heads of the
    log there.
    """
    clock_file: Path | None
    """ASSENT_CLOCK_FILE: where the decider notes what it believes of the clock. For a decider on the same
    machine as the only broker.
    """
    log_level: str
    """ASSENT_LOG_LEVEL: `debug`, `info`, `warning` or `error`. Default: `info`."""


def read_settings(environ: Mapping[str, str] = os.environ) -> ServiceSettings:
    """The settings of this process. Raises SettingsError, which names every fault."""
    faults = Faults()
    kafka = faults.reading(lambda: read_connection(environ), Connection(bootstrap=""))
    identity = faults.reading(lambda: read_identity(environ), "")
    postgres = faults.reading(lambda: read_postgres(environ), None)
    http_port = faults.reading(lambda: _port(environ, "ASSENT_HTTP_PORT"), None)
    log_level = faults.reading(lambda: _log_level(environ), "")
    faults.raise_if_any()
    return ServiceSettings(
        kafka=kafka,
        identity=identity,
        postgres=postgres,
        key_file=optional_path(environ, _KEY),
        http_port=http_port,
        http_host=environ.get("ASSENT_HTTP_HOST", "127.0.0.1"),
        target=optional_path(environ, "ASSENT_TARGET"),
        applier_file=optional_path(environ, "ASSENT_APPLIER_FILE"),
        reconcile_file=optional_path(environ, "ASSENT_RECONCILE_FILE"),
        state=optional_path(environ, _STATE),
        clock_file=optional_path(environ, "ASSENT_CLOCK_FILE"),
        log_level=log_level,
    )


def check_settings(environ: Mapping[str, str], checks: Iterable[Check]) -> None:
    """Make all of these checks. Raises SettingsError with the faults that they find together."""
    faults = Faults()
    for check in checks:
        faults.reading(partial(check, environ), None)
    faults.raise_if_any()


def need(value: _T | None, name: str) -> _T:
    """A setting that this process requires. Raises SettingsError."""
    if value is None:
        msg = f"Set {name}."
        raise SettingsError(msg)
    return value


def need_key(environ: Mapping[str, str], *, load: Callable[[Path], SecretKey] = load_key) -> SecretKey:
    """The service's own key, from its file. Raises SettingsError."""
    file = need(optional_path(environ, _KEY), _KEY)
    try:
        return load(file)
    except KeyFileError as error:
        msg = f"{_KEY}: {error}"
        raise SettingsError(msg) from error


def need_state(environ: Mapping[str, str]) -> Path:
    """The folder for what must outlive a restart. Raises SettingsError."""
    return need(optional_path(environ, _STATE), _STATE)


def need_postgres(environ: Mapping[str, str]) -> str:
    """The database, which this process requires. Raises SettingsError."""
    return need(read_postgres(environ), f"{_POSTGRES}: the database, postgresql://USER@HOST:5432/NAME")


def read_postgres(environ: Mapping[str, str]) -> str | None:
    """The database's address with its password; None where no variable names it. Raises SettingsError."""
    file, password_file = (optional_path(environ, name) for name in (_POSTGRES_FILE, _POSTGRES_PASSWORD_FILE))
    dsn, name = environ.get(_POSTGRES) or None, _POSTGRES
    if file is not None:
        if dsn is not None:
            msg = f"Set {_POSTGRES} or {_POSTGRES_FILE}, not both."
            raise SettingsError(msg)
        dsn, name = read_secret_file(file, _POSTGRES_FILE), _POSTGRES_FILE
    if dsn is None:
        if password_file is not None:
            msg = f"Set {_POSTGRES}: {_POSTGRES_PASSWORD_FILE} is the password of a user that it names."
            raise SettingsError(msg)
        return None
    if not dsn.startswith(("postgresql://", "postgres://")):
        # It may be a password that was put into the wrong variable, so it is not shown.
        msg = f"{name} must be the database's address, postgresql://USER@HOST:5432/NAME."
        raise SettingsError(msg)
    return dsn if password_file is None else _with_password(dsn, password_file)


def _with_password(dsn: str, file: Path) -> str:
    password = read_secret_file(file, _POSTGRES_PASSWORD_FILE)
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    if not at or ":" in user:
        msg = f"{_POSTGRES_PASSWORD_FILE}: the database's address must name a user, and no password."
        raise SettingsError(msg)
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{hosts}").geturl()


def _log_level(environ: Mapping[str, str]) -> str:
    level = environ.get("ASSENT_LOG_LEVEL") or "info"
    if level.lower() not in _LOG_LEVELS:
        msg = f"ASSENT_LOG_LEVEL is {level[:50]!r}, and must be one of {', '.join(_LOG_LEVELS)}."
        raise SettingsError(msg)
    return level


def _port(environ: Mapping[str, str], name: str) -> int | None:
    value = environ.get(name)
    if not value:
        return None
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        msg = f"{name} is not a port: {value!r}."
        raise SettingsError(msg)
    return int(value)
