"""Write the JSON Schemas and asyncapi.yaml from the types, or check that they are up to date.

Usage: python -m assent_contracts.schemas.generate [--check]
"""

import sys
from pathlib import Path
from typing import Final

import msgspec

from assent_contracts.generated_files import stale_files, write_or_check
from assent_contracts.schemas.asyncapi import document
from assent_contracts.schemas.messages import all_schemas
from assent_contracts.schemas.yaml_text import to_yaml

_SCHEMAS: Final = Path(__file__).resolve().parent
_ASYNCAPI: Final = _SCHEMAS / "asyncapi.yaml"
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
    return stale_files(_SCHEMAS, generated)


def main(arguments: list[str]) -> int:
    """Exit status 1 if `--check` finds a stale file."""
    return write_or_check(f"{__doc__}", _SCHEMAS, generated, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
