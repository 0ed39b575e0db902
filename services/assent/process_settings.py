"""A process's settings, from its environment. Every service reads the same variables.

A missing or wrong setting is reported, with what to do, before anything starts.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from assent_contracts.client.connection import Connection
from assent_contracts.client.environment import (
    SettingsError,
    kafka_variable,
    optional_path,
    read_connection,
    required,
)

__all__ = [
    "ServiceSettings",
    "SettingsError",
    "kafka_variable",
    "need",
    "read_connection",
    "read_settings",
]

_T = TypeVar("_T")


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
    """ASSENT_KEY_FILE: the file with the service's own signing key. Required by the decider, the gateway, the
    coordinator and the applier."""
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
    """ASSENT_STATE: the service's folder for what must outlive a restart. Required by the applier and the
    reconciler, which only reads again what it noted there. The decider keeps the heads of the log there.
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
        identity=required(environ, "ASSENT_IDENTITY", "the hash that `assent init` printed"),
        postgres=environ.get("ASSENT_POSTGRES"),
        key_file=optional_path(environ, "ASSENT_KEY_FILE"),
        http_port=_port(environ, "ASSENT_HTTP_PORT"),
        http_host=environ.get("ASSENT_HTTP_HOST", "127.0.0.1"),
        target=optional_path(environ, "ASSENT_TARGET"),
        applier_file=optional_path(environ, "ASSENT_APPLIER_FILE"),
        reconcile_file=optional_path(environ, "ASSENT_RECONCILE_FILE"),
        state=optional_path(environ, "ASSENT_STATE"),
        clock_file=optional_path(environ, "ASSENT_CLOCK_FILE"),
        log_level=environ.get("ASSENT_LOG_LEVEL", "info"),
    )


def need(value: _T | None, name: str) -> _T:
    """A setting that this process requires. Raises SettingsError."""
    if value is None:
        msg = f"Set {name}."
        raise SettingsError(msg)
    return value


def _port(environ: Mapping[str, str], name: str) -> int | None:
    value = environ.get(name)
    if not value:
        return None
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        msg = f"{name} is not a port: {value!r}."
        raise SettingsError(msg)
    return int(value)
