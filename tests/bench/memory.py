"""`python -m tests.bench.memory [IDS]`: the memory that one account's remembered ids take at the limit."""

import hashlib
import sys
import tracemalloc

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.governance_objects import Settings
from assent_contracts.limits import COMMAND_ID_MAX_CHARS

USUAL_ID_CHARS = 36
"""A UUID."""


def bytes_per_id(ids: int, chars: int) -> float:
    """For a memory full of ids of this many characters, each with its own time."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        memory = CommandMemory()
        for number in range(ids):
            at = 1_767_225_600_000 + number
            memory.remember(
                "upstream",
                f"{number:0{chars}}",
                dated=at - 1_000_000,
                seq=1_000 + number,
                at=at,
                value_sha256=hashlib.sha256(b"%d" % number).digest(),
            )
        assert memory.remembered("upstream") == ids
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / ids


def main() -> None:
    """Print it for the default share, or for the given number of ids."""
    ids = int(sys.argv[1]) if len(sys.argv) > 1 else Settings().remembered_commands
    for chars in (USUAL_ID_CHARS, COMMAND_ID_MAX_CHARS):
        each = bytes_per_id(ids, chars)
        print(f"{ids:,} ids of {chars} characters: {each:,.0f} bytes each, {ids * each / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
