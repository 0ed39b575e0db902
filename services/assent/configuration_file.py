"""Configuration files in TOML: read with a limit, and converted so that every fault has its place."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from assent.conversion_faults import conversion_faults
from assent.process_settings import SettingsError

FILE_MAX_BYTES: Final = 1024 * 1024

_Fields = TypeVar("_Fields", bound=msgspec.Struct)


def read_toml(file: Path, *, variable: str) -> dict[str, Any]:
    """The content of a file. `variable`: where its path came from. Raises SettingsError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_MAX_BYTES + 1)
        if len(content) <= FILE_MAX_BYTES:
            return tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{variable}: {file} cannot be read: {why}.") from error
    raise SettingsError(f"{variable}: {file} has more than {FILE_MAX_BYTES} bytes.")


def faulty(file: Path, faults: Iterable[str]) -> SettingsError:
    """The error for a file with these faults, a line each."""
    return SettingsError(
        "\n".join([f"{file} is not a valid configuration:", *(f"- {each}" for each in faults)])
    )


def read_checked(
    file: Path, to: type[_Fields], faults_of: Callable[[_Fields], Iterable[str]], *, variable: str
) -> _Fields:
    """A file as `to`, without faults; its paths are relative to its folder. Raises SettingsError."""
    document, paths = read_toml(file, variable=variable), _paths_from(file.parent)
    try:
        fields = msgspec.convert(document, to, dec_hook=paths)
    except msgspec.ValidationError as error:
        found = conversion_faults(document, to, paths)
        raise faulty(file, (each.text for each in found)) from error
    faults = list(faults_of(fields))
    if faults:
        raise faulty(file, faults)
    return fields


def _paths_from(folder: Path) -> Callable[[type, Any], Any]:
    """Converts paths, which are relative to the folder of the file."""

    def path_of(kind: type, value: Any) -> Any:
        if kind is Path and isinstance(value, str):
            return folder / value
        raise NotImplementedError

    return path_of


def fields_and_table(
    document: Mapping[str, Any], common: type[_Fields], tables: Mapping[str, type[msgspec.Struct]]
) -> tuple[_Fields | None, Any, list[str]]:
    """The fields with `kind`, the table that is named after that kind, and the faults of both."""
    faults: list[str] = []
    of_kinds = {kind: part for kind, part in document.items() if kind in tables}
    rest = {name: part for name, part in document.items() if name not in tables}
    fields = _converted(rest, common, "", faults)
    converted = {kind: _converted(part, tables[kind], f"{kind}.", faults) for kind, part in of_kinds.items()}
    if fields is None:
        return None, None, faults
    kind: str = getattr(fields, "kind")  # noqa: B009  the caller's type has it
    if kind not in of_kinds:
        faults.append(f"[{kind}]: this table is required, because of `kind`")
    faults += [f"[{each}]: the kind is another one" for each in of_kinds if each != kind]
    return fields, converted.get(kind), faults


def _converted(document: Any, to: type[_Fields], place: str, faults: list[str]) -> _Fields | None:
    found = conversion_faults(document, to)
    if not found:
        return msgspec.convert(document, to)
    for each in found:
        path = each.path.removeprefix("$").removeprefix(".")
        faults.append(f"{place}{path}: {each.what}" if path else f"{place}{each.what}")
    return None
