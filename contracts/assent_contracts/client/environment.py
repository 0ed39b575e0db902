"""How to reach a log, from the environment. Every program of Assent reads the same variables."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from assent_contracts.client.connection import Connection

SECRET_MAX_BYTES: Final = 16 * 1024
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s,:/@\[\]]+):[0-9]{1,5}")
_IDENTITY: Final = re.compile(r"[0-9a-f]{64}")
_KAFKA_VARIABLES: Final = {"bootstrap": "ASSENT_KAFKA", "sasl_password": "ASSENT_KAFKA_SASL_PASSWORD_FILE"}

_T = TypeVar("_T")


class SettingsError(Exception):
    """The environment lacks something that this process needs. Each argument names one fault."""

    def __str__(self) -> str:
        """The faults, a line each."""
        return "\n".join(map(str, self.args))


class Faults:
    """The faults found while settings are read, so that one error names them all."""

    def __init__(self) -> None:
        """None yet."""
        self._found: dict[str, None] = {}

    def note(self, *faults: str) -> None:
        """Add faults. One that was noted before counts once."""
        self._found |= dict.fromkeys(faults)

    def reading(self, read: Callable[[], _T], otherwise: _T) -> _T:
        """What `read` returns, or `otherwise` if it raises SettingsError, whose faults are noted."""
        try:
            return read()
        except SettingsError as error:
            self.note(*map(str, error.args))
            return otherwise

    def raise_if_any(self) -> None:
        """Raises SettingsError with all of them."""
        if self._found:
            raise SettingsError(*self._found)


def kafka_variable(field: str) -> str:
    """The variable from which a field of Connection is read. For the password it names a file."""
    return _KAFKA_VARIABLES.get(field, f"ASSENT_KAFKA_{field.upper()}")


def read_connection(environ: Mapping[str, str]) -> Connection:
    """How to reach Kafka. Raises SettingsError, which names every fault."""
    faults = Faults()
    options: dict[str, object] = {
        "bootstrap": faults.reading(
            lambda: required(environ, "ASSENT_KAFKA", "host:port of the brokers, separated by commas"), ""
        )
    }
    for field in msgspec.structs.fields(Connection):
        value = environ.get(kafka_variable(field.name))
        if value is not None and field.name not in ("bootstrap", "sasl_password"):
            options[field.name] = value
    variable = kafka_variable("sasl_password")
    password_file = optional_path(environ, variable)
    if password_file is not None:
        options["sasl_password"] = faults.reading(lambda: read_secret_file(password_file, variable), "")
    connection = faults.reading(lambda: _converted(options), None)
    if connection is not None:
        faults.note(*_faults_of(connection))
    faults.raise_if_any()
    assert connection is not None
    return connection


def read_identity(environ: Mapping[str, str]) -> str:
    """The log's identity. Raises SettingsError."""
    identity = required(environ, "ASSENT_IDENTITY", "the hash that `assent init` printed")
    if not _IDENTITY.fullmatch(identity):
        msg = "ASSENT_IDENTITY must be the log's identity: 64 hex digits, as `assent env` prints them."
        raise SettingsError(msg)
    return identity


def read_secret_file(path: Path, name: str) -> str:
    """The secret in a file, without the line breaks at its end. At most 16 KiB of UTF-8.

    The file may have any mode, because its platform mounts it. `name`: the variable or field that names the
    file, for the error. Raises SettingsError, without the secret.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_MAX_BYTES + 1)
        secret = content.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # Not the error of decoding: it quotes the content.
        why = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"{name}: {path} cannot be read: {why}.") from None
    if not secret or len(content) > SECRET_MAX_BYTES:
        msg = f"{name}: {path} is empty, or has more than {SECRET_MAX_BYTES:,} bytes."
        raise SettingsError(msg)
    return secret


def _converted(options: Mapping[str, object]) -> Connection:
    try:
        return msgspec.convert(options, Connection)
    except msgspec.ValidationError as error:
        msg = f"ASSENT_KAFKA_*: {error}"
        raise SettingsError(msg) from error


def _faults_of(connection: Connection) -> Iterator[str]:
    # A Kafka client's errors for these do not show which setting is wrong.
    wrong = [each for each in connection.addresses if not _ADDRESS.fullmatch(each)]
    if connection.bootstrap and (wrong or not connection.addresses):
        shown = repr((wrong or [connection.bootstrap])[0])[:200]
        yield f"ASSENT_KAFKA must be host:port of the brokers, separated by commas, and not {shown}."
    if connection.security_protocol.startswith("SASL"):
        for field in ("sasl_username", "sasl_password"):
            if getattr(connection, field) is None:
                yield f"Set {kafka_variable(field)}: {connection.security_protocol} requires it."
    for field in ("ca_file", "certificate_file", "key_file"):
        file = getattr(connection, field)
        if file is not None and not Path(file).is_file():
            yield f"{kafka_variable(field)}: there is no file {file}."


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
