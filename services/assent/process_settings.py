"""A process's settings, from its environment. Every service reads the same variables.

A missing or wrong setting is reported, with what to do, before anything starts.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from assent_contracts.client.connection import Connection

_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s,:/@\[\]]+):[0-9]{1,5}")
_KAFKA_VARIABLES: Final = {"bootstrap": "ASSENT_KAFKA", "sasl_password": "ASSENT_KAFKA_SASL_PASSWORD_FILE"}
_T = TypeVar("_T")


class SettingsError(Exception):
    """The environment lacks something that this process needs; the message names the variable."""


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that every service reads. Secrets are read from files, never from values.

    Each field's docstring begins with its variable, because the settings reference is made from these
    docstrings.
    """

    kafka: Connection
    identity: str
    """ASSENT_IDENTITY: the log's identity, the SHA-256 (64 hex digits) of its first governance record, as
    `assent init` prints it. Required.
    """
    postgres: str | None
    """ASSENT_POSTGRES: the database, `postgresql://USER@HOST:5432/NAME`. Required by status, audit, notify
    and the gateway. If it is set, the decider reads heads from it.
    """
    key_file: Path | None
    """ASSENT_KEY_FILE: the file with the service's own signing key. Required by the decider, the gateway and
    the applier."""
    http_port: int | None
    """ASSENT_HTTP_PORT: the port for `/livez`, `/readyz` and `/metrics`. Without it the service does not
    serve them. The gateway also serves them on its own port.
    """
    http_host: str
    """ASSENT_HTTP_HOST: the address to which that port is bound. Default: `127.0.0.1`."""
    target: Path | None
    """ASSENT_TARGET: the folder to which the applier applies changes. Required by the applier."""
    state: Path | None
    """ASSENT_STATE: the service's folder for what must outlive a restart. Required by the applier. The
    decider keeps the heads of the log there.
    """
    clock_file: Path | None
    """ASSENT_CLOCK_FILE: where the decider notes what it believes of the clock. For a decider on the same
    machine as the only broker.
    """
    log_level: str
    """ASSENT_LOG_LEVEL: `debug`, `info`, `warning` or `error`. Default: `info`."""


def read_settings(environ: Mapping[str, str] = os.environ) -> ServiceSettings:
    """The settings of this process. Raises SettingsError."""
    return ServiceSettings(
        kafka=read_connection(environ),
        identity=_required(environ, "ASSENT_IDENTITY", "the hash that `assent init` printed"),
        postgres=environ.get("ASSENT_POSTGRES"),
        key_file=_path(environ, "ASSENT_KEY_FILE"),
        http_port=_port(environ, "ASSENT_HTTP_PORT"),
        http_host=environ.get("ASSENT_HTTP_HOST", "127.0.0.1"),
        target=_path(environ, "ASSENT_TARGET"),
        state=_path(environ, "ASSENT_STATE"),
        clock_file=_path(environ, "ASSENT_CLOCK_FILE"),
        log_level=environ.get("ASSENT_LOG_LEVEL", "info"),
    )


def kafka_variable(field: str) -> str:
    """The variable from which a field of Connection is read. For the password it names a file."""
    return _KAFKA_VARIABLES.get(field, f"ASSENT_KAFKA_{field.upper()}")


def read_connection(environ: Mapping[str, str]) -> Connection:
    """How to reach Kafka. Raises SettingsError."""
    options: dict[str, object] = {
        "bootstrap": _required(environ, "ASSENT_KAFKA", "host:port of the brokers, separated by commas")
    }
    for field in msgspec.structs.fields(Connection):
        value = environ.get(kafka_variable(field.name))
        if value is not None and field.name not in ("bootstrap", "sasl_password"):
            options[field.name] = value
    password_file = _path(environ, kafka_variable("sasl_password"))
    if password_file is not None:
        options["sasl_password"] = password_file.read_text().strip()
    try:
        connection = msgspec.convert(options, Connection)
    except msgspec.ValidationError as error:
        msg = f"ASSENT_KAFKA_*: {error}"
        raise SettingsError(msg) from error
    _refuse_no_address(connection)
    return connection


def _refuse_no_address(connection: Connection) -> None:
    # A Kafka client's error for these does not show which setting is wrong.
    wrong = [each for each in connection.addresses if not _ADDRESS.fullmatch(each)]
    if wrong or not connection.addresses:
        shown = repr((wrong or [connection.bootstrap])[0])[:200]
        msg = f"ASSENT_KAFKA must be host:port of the brokers, separated by commas, and not {shown}."
        raise SettingsError(msg)


def need(value: _T | None, name: str) -> _T:
    """A setting that this process requires. Raises SettingsError."""
    if value is None:
        msg = f"Set {name}."
        raise SettingsError(msg)
    return value


def _required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    value = environ.get(name)
    if not value:
        msg = f"Set {name}: {meaning}."
        raise SettingsError(msg)
    return value


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    return Path(value) if value else None


def _port(environ: Mapping[str, str], name: str) -> int | None:
    value = environ.get(name)
    if not value:
        return None
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        msg = f"{name} is not a port: {value!r}."
        raise SettingsError(msg)
    return int(value)
