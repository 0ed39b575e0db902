"""Reads the upstream file, ASSENT_UPSTREAM_FILE, and everything that it names."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from assent.process_settings import SettingsError, need
from assent.upstream.configuration_faults import faults_of
from assent.upstream.upstream_file import UpstreamFile


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the upstream service, besides those of every service."""

    file: Path
    """ASSENT_UPSTREAM_FILE: the file with the sources and gates. Required."""


def read_upstream_settings(environ: Mapping[str, str] = os.environ) -> UpstreamSettings:
    """The settings of this process. Raises SettingsError."""
    return UpstreamSettings(
        file=Path(need(environ.get("ASSENT_UPSTREAM_FILE") or None, "ASSENT_UPSTREAM_FILE"))
    )


def read_upstream_file(path: Path) -> UpstreamFile:
    """The file at `path`, checked. Raises SettingsError, which names each fault on a line."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"ASSENT_UPSTREAM_FILE: {path} cannot be read: {error}.") from error
    try:
        file = msgspec.convert(content, UpstreamFile, dec_hook=_paths_from(path.parent))
    except msgspec.ValidationError as error:
        raise SettingsError(f"ASSENT_UPSTREAM_FILE: {path}: {error}.") from error
    faults = list(faults_of(file))
    if faults:
        raise SettingsError(f"ASSENT_UPSTREAM_FILE: {path}:\n" + "\n".join(f"- {each}" for each in faults))
    return file


def _paths_from(folder: Path) -> Callable[[type, Any], Any]:
    """Paths in the file are relative to the folder that it is in."""

    def path_of(kind: type, value: Any) -> Any:
        if kind is Path and isinstance(value, str):
            return folder / value
        raise NotImplementedError

    return path_of
