"""Reads the upstream file, ASSENT_UPSTREAM_FILE, and everything that it names."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from assent.configuration_file import read_checked
from assent.process_settings import need
from assent.upstream.configuration_faults import faults_of
from assent.upstream.upstream_file import UpstreamFile

FILE: Final = "ASSENT_UPSTREAM_FILE"


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the upstream service, besides those of every service."""

    file: Path
    """ASSENT_UPSTREAM_FILE: the file with the sources and gates. Required."""


def read_upstream_settings(environ: Mapping[str, str] = os.environ) -> UpstreamSettings:
    """The settings of this process. Raises SettingsError."""
    return UpstreamSettings(file=Path(need(environ.get(FILE) or None, FILE)))


def read_upstream_file(path: Path) -> UpstreamFile:
    """The file at `path`, checked. Raises SettingsError, which names each fault on a line."""
    return read_checked(path, UpstreamFile, faults_of, variable=FILE)
