"""What the wall clock is believed to be: kept where the broker runs on this machine, so that both read it.

So a step of it is noticed across a restart too, and `assent doctor --accept-clock` says that it was right.
"""

from pathlib import Path

import msgspec

from assent.observe.clock import Reading, boot_id


class _Believed(msgspec.Struct, frozen=True):
    boot: str
    offset: int
    """From the steady clock to the wall clock, ms."""


_decode = msgspec.json.Decoder(_Believed).decode


def believed_offset(path: Path) -> int | None:
    """The offset that was noted; None when there is no note of this start of the machine. Raises OSError."""
    try:
        believed = _decode(path.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return believed.offset if believed.boot == boot_id() else None


def note_offset(path: Path, reading: Reading) -> None:
    """Note that this reading is right. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(_Believed(boot=boot_id(), offset=reading.offset)))
    beside.replace(path)
