"""The file that keeps what the wall clock is believed to be, where the broker runs on the same machine.

With it a step of the clock is noticed across a restart too. `assent doctor --accept-clock` writes to it that
the clock is right.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from assent.observe.machine_clocks import Reading, boot_id

_READABLE: Final = 0o644
"""The user who starts the decider may not be the one who accepts a clock."""


class _Believed(msgspec.Struct, frozen=True):
    boot: str
    offset: int
    """From the steady clock to the wall clock, in ms."""


_decode = msgspec.json.Decoder(_Believed).decode


def believed_offset(path: Path) -> int | None:
    """The noted offset; None when there is no note since the machine started. Raises OSError."""
    try:
        believed = _decode(path.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return believed.offset if believed.boot == boot_id() else None


def note_offset(path: Path, reading: Reading) -> None:
    """Note that this reading is right. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A unique name, because the decider and `assent doctor --accept-clock` may write at the same time.
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    os.close(number)
    beside = Path(name)
    try:
        beside.write_bytes(msgspec.json.encode(_Believed(boot=boot_id(), offset=reading.offset)))
        beside.chmod(_READABLE)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
