"""Write the conformance vectors into contracts/vectors, or check that they are fresh.

Usage: python -m assent_contracts.vectors.generate [--check]
"""

import json
import sys
from pathlib import Path
from typing import Final

from assent_contracts.vectors import (
    acceptance_vectors,
    answer_vectors,
    change_vectors,
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
}


def generated() -> dict[Path, str]:
    """Every generated file with its content."""
    return {
        FOLDER / name: json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n"
        for name, vectors in _SECTIONS.items()
    }


def stale() -> list[Path]:
    """The files that are not what the code makes; those of sections that no longer exist included."""
    files = generated()
    changed = [
        path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return changed + [path for path in FOLDER.glob("*.json") if path not in files]


def main(arguments: list[str]) -> int:
    """Exit status 1 when `--check` finds a stale file."""
    if arguments == ["--check"]:
        found = stale()
        for path in found:
            sys.stderr.write(f"stale: {path.name}\n")
        return 1 if found else 0
    if arguments:
        sys.stderr.write(f"{__doc__}")
        return 2
    files = generated()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path not in files:
            path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
