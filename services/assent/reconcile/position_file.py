"""Up to where a target's history was read. It can be deleted: then the history is read again."""

from pathlib import Path

import msgspec

from assent_contracts.client.durable_file import write_durably

_MAX_BYTES = 4_096


class Position(msgspec.Struct, frozen=True):
    """A place in a target's history."""

    place: str
    """Where the history is: a repository and branch."""
    at: str
    """The last entry that need not be read again."""


def read_position(file: Path, place: str) -> str | None:
    """The last entry of this place that was read; None if there is none, or if the file is unreadable."""
    try:
        with file.open("rb") as opened:
            position = msgspec.json.decode(opened.read(_MAX_BYTES), type=Position)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return position.at if position.place == place else None


def write_position(file: Path, place: str, at: str) -> None:
    """Keep a position. Write it only once all findings before it are on the ledger. Raises OSError."""
    write_durably(file, msgspec.json.encode(Position(place, at)))
