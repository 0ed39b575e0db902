"""`python -m tests.hostile`: writes records.jsonl from the modules in this folder."""

import msgspec

from tests.hostile import of_commands, of_envelopes, of_governance, of_ledgers, of_sets
from tests.hostile.recipe import FILE, Hostile


def all_records() -> list[Hostile]:
    """The records in the file's order."""
    return [
        *of_commands.records(),
        *of_sets.records(),
        *of_envelopes.records(),
        *of_governance.records(),
        *of_ledgers.records(),
    ]


def text() -> bytes:
    """The whole file."""
    return b"".join(msgspec.json.encode(each) + b"\n" for each in all_records())


if __name__ == "__main__":
    FILE.write_bytes(text())
