"""How to reach a log, from the environment. Every program of Assent reads the same variables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from assent_contracts.client.connection import Connection

_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s,:/@\[\]]+):[0-9]{1,5}")
_IDENTITY: Final = re.compile(r"[0-9a-f]{64}")
_KAFKA_VARIABLES: Final = {"bootstrap": "ASSENT_KAFKA", "sasl_password": "ASSENT_KAFKA_SASL_PASSWORD_FILE"}


class SettingsError(Exception):
    """The environment lacks something that this process needs; the message names the variable."""


def kafka_variable(field: str) -> str:
    """The variable from which a field of Connection is read. For the password it names a file."""
    return _KAFKA_VARIABLES.get(field, f"ASSENT_KAFKA_{field.upper()}")


def read_connection(environ: Mapping[str, str]) -> Connection:
    """How to reach Kafka. Raises SettingsError."""
    options: dict[str, object] = {
        "bootstrap": required(environ, "ASSENT_KAFKA", "host:port of the brokers, separated by commas")
    }
    for field in msgspec.structs.fields(Connection):
        value = environ.get(kafka_variable(field.name))
        if value is not None and field.name not in ("bootstrap", "sasl_password"):
            options[field.name] = value
    password_file = optional_path(environ, kafka_variable("sasl_password"))
    if password_file is not None:
        options["sasl_password"] = password_file.read_text().strip()
    try:
        connection = msgspec.convert(options, Connection)
    except msgspec.ValidationError as error:
        msg = f"ASSENT_KAFKA_*: {error}"
        raise SettingsError(msg) from error
    _refuse_no_address(connection)
    return connection


def read_identity(environ: Mapping[str, str]) -> str:
    """The log's identity. Raises SettingsError."""
    identity = required(environ, "ASSENT_IDENTITY", "the hash that `assent init` printed")
    if not _IDENTITY.fullmatch(identity):
        msg = "ASSENT_IDENTITY must be the log's identity: 64 hex digits, as `assent env` prints them."
        raise SettingsError(msg)
    return identity


def _refuse_no_address(connection: Connection) -> None:
    # A Kafka client's error for these does not show which setting is wrong.
    wrong = [each for each in connection.addresses if not _ADDRESS.fullmatch(each)]
    if wrong or not connection.addresses:
        shown = repr((wrong or [connection.bootstrap])[0])[:200]
        msg = f"ASSENT_KAFKA must be host:port of the brokers, separated by commas, and not {shown}."
        raise SettingsError(msg)


def required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    """A variable that must be set. Raises SettingsError, which states its meaning."""
    value = environ.get(name)
    if not value:
        msg = f"Set {name}: {meaning}."
        raise SettingsError(msg)
    return value


def optional_path(environ: Mapping[str, str], name: str) -> Path | None:
    """The path in a variable, if it is set."""
    value = environ.get(name)
    return Path(value) if value else None
