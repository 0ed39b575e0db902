"""Write the conformance vectors into contracts/vectors, or check that they are fresh.

Usage: python -m assent_contracts.vectors.generate [--check]
"""

import json
import sys
from pathlib import Path
from typing import Final

from assent_contracts.generated_files import stale_files, write_or_check
from assent_contracts.vectors import (
    acceptance_vectors,
    answer_vectors,
    change_vectors,
    command_vectors,
    partition_vectors,
    payload_vectors,
    signature_vectors,
)

FOLDER: Final = Path(__file__).resolve().parents[2] / "vectors"
_SECTIONS: Final = {
    "partitions.json": partition_vectors.vectors,
    "signatures.json": signature_vectors.vectors,
    "payloads.json": payload_vectors.vectors,
    "acceptance.json": acceptance_vectors.vectors,
    "changes.json": change_vectors.vectors,
    "answers.json": answer_vectors.vectors,
    "commands.json": command_vectors.vectors,
}


def generated() -> dict[Path, str]:
    """Every generated file with its content."""
    return {
        FOLDER / name: json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n"
        for name, vectors in _SECTIONS.items()
    }


def stale() -> list[Path]:
    """The files that are not what the code makes; those of sections that no longer exist included."""
    return stale_files(FOLDER, generated)


def main(arguments: list[str]) -> int:
    """Exit status 1 if `--check` finds a stale file."""
    return write_or_check(f"{__doc__}", FOLDER, generated, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
