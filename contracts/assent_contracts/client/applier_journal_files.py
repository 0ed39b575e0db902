"""The journal of an earlier version, which had a file for each part: `<request>.change`, `.claim`, `.begun`
and `.report`, `heads`, and `position-<n>`. It is read once, and removed when its content is in the new one.

A claim without `.begun` counts like one with it: an older copy of a folder does not have the file either.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from assent_contracts.client.applier_journal_records import (
    Begun,
    Heads,
    JournalRecord,
    Part,
    Position,
    PositionKept,
)
from assent_contracts.heads import HeadInEra
from assent_contracts.resources import parse_request_id

_POSITION: Final = re.compile(r"position-([0-9]{1,5})")
_SUFFIXES: Final = (".change", ".claim", ".begun", ".report", ".drop")
_decode_heads: Final = msgspec.json.Decoder(dict[int, HeadInEra]).decode
_decode_position: Final = msgspec.json.Decoder(Position).decode


def read_journal_files(folder: Path) -> Iterator[JournalRecord]:
    """What the files contain, in the order in which it counts. Raises OSError, msgspec.MsgspecError."""
    names = sorted(path.name for path in folder.iterdir())
    for name in names:
        request = name.removesuffix(".change")
        if request != name and parse_request_id(request) is not None:
            yield Begun(request, (folder / name).read_bytes())
            for part in ("claim", "report"):
                path = folder / f"{request}.{part}"
                if path.exists():
                    yield Part(request, "claim" if part == "claim" else "report", path.read_bytes())
    if "heads" in names:
        yield Heads(_decode_heads((folder / "heads").read_bytes()))
    for name in names:
        numbered = _POSITION.fullmatch(name)
        if numbered is not None:
            yield PositionKept(int(numbered[1]), _position(folder / name))


def remove_journal_files(folder: Path) -> None:
    """Remove them, and what a crash has left of unfinished ones. Raises OSError."""
    for path in folder.iterdir():
        name = path.name
        left_over = name.startswith(".") and name.endswith(".new")
        of_entry = name.endswith(_SUFFIXES) and parse_request_id(path.stem) is not None
        if left_over or of_entry or name == "heads" or _POSITION.fullmatch(name):
            path.unlink()


def _position(path: Path) -> Position:
    try:
        return _decode_position(path.read_bytes())
    except msgspec.MsgspecError:
        return Position()  # reading a change again does no harm
