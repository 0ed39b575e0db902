"""Write the JSON Schemas and asyncapi.yaml from the types, or check that they are up to date.

Usage: python -m assent_contracts.schemas.generate [--check]
"""

import sys
from pathlib import Path
from typing import Final

import msgspec

from assent_contracts.schemas.asyncapi import document
from assent_contracts.schemas.messages import all_schemas
from assent_contracts.schemas.yaml_text import to_yaml

_SCHEMAS: Final = Path(__file__).resolve().parent
_ASYNCAPI: Final = _SCHEMAS.parents[1] / "asyncapi.yaml"
_NOTE: Final = "# Written by `python -m assent_contracts.schemas.generate`: change the types, not this.\n"


def generated() -> dict[Path, str]:
    """Every generated file with its content."""
    files = {
        _SCHEMAS / name: msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
        for name, schema in all_schemas().items()
    }
    files[_ASYNCAPI] = _NOTE + to_yaml(document())
    return files


def stale() -> list[Path]:
    """The files that do not match the types, including those of types that no longer exist."""
    files = generated()
    changed = [
        path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return changed + [path for path in _SCHEMAS.glob("*.json") if path not in files]


def main(arguments: list[str]) -> int:
    """Exit status 1 if `--check` finds a stale file."""
    if arguments == ["--check"]:
        for path in stale():
            sys.stderr.write(f"stale: {path.name}\n")
        return 1 if stale() else 0
    if arguments:
        sys.stderr.write(f"{__doc__}")
        return 2
    files = generated()
    for path in stale():
        if path not in files:
            path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
