"""Files that are made from the code and committed: written, or checked to be what the code makes."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

Generated = Callable[[], Mapping[Path, str]]
"""Every generated file with its content."""


def stale_files(folder: Path, generated: Generated) -> list[Path]:
    """The files that are not what the code makes, and the JSON files in `folder` that it no longer makes."""
    files = generated()
    changed = [
        path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return changed + [path for path in folder.glob("*.json") if path not in files]


def write_or_check(usage: str, folder: Path, generated: Generated, arguments: list[str]) -> int:
    """Write the files, or with `--check` print the stale ones.

    Returns the exit status: 1 when some are stale, 2 when `usage` was printed.
    """
    if arguments == ["--check"]:
        found = stale_files(folder, generated)
        for path in found:
            sys.stderr.write(f"stale: {path.name}\n")
        return 1 if found else 0
    if arguments:
        sys.stderr.write(usage)
        return 2
    files = generated()
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path not in files:
            path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0
