"""What an applier remembers across a crash: one small set of files for each change that it has in hand.

`<request>.change`   the released change, as it was read and checked: its position and submission are in it
`<request>.claim`    the claim's bytes, written before they are published
`<request>.begun`    from here on the change may have been applied
`<request>.report`   the outcome's bytes, written before they are published

And what it remembers of all that it has done:

`identity`           of the log, in full
`heads`              the newest accepted head of each ledger partition that this applier has gone by, and
                     the era of the log that it was read in
`position-<n>`       where it is in partition n of `assent.changes`, and the hash of the record before

Each is written to a temporary file, synced and renamed: it is there as a whole or not at all. An entry
exists as long as its `.change` does; that goes first when the entry is done with. Two logs number their
requests alike, so each log has a folder of its own, named by its identity. So does one log that was put back
number the requests anew that it has lost: therefore nothing here goes by a request's id alone.
"""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from assent_contracts.codec import encode
from assent_contracts.heads import HeadInEra
from assent_contracts.released_change import Change, decode_change
from assent_contracts.resources import parse_request_id

_PARTS: Final = (".change", ".claim", ".begun", ".report")


_NOTHING: Final = ""


class JournalInUseError(Exception):
    """Another process works with this state folder: give each applier its own."""


class JournalOfAnotherLogError(Exception):
    """This state folder belongs to another log: give each log its own."""


class Position(msgspec.Struct, frozen=True):
    """Where to go on in a partition of `assent.changes`."""

    offset: int = 0
    sha256: str = _NOTHING
    """Of the value of the record before: hex, or empty where nothing is known of it."""


_decode_heads = msgspec.json.Decoder(dict[int, HeadInEra]).decode
_decode_position = msgspec.json.Decoder(Position).decode


class Journal:
    """One applier's journal of one log. Not for two processes at once."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Open it, or make it. Raises JournalInUseError, JournalOfAnotherLogError, OSError."""
        self.folder: Final = folder / identity[:16]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            msg = f"{folder} is in use by another applier: give each its own state folder."
            raise JournalInUseError(msg) from None
        owner = self.folder / "identity"
        if not owner.exists():
            write_durably(owner, identity.encode())
        elif owner.read_bytes() != identity.encode():
            os.close(self._lock)
            msg = f"{folder} belongs to another log: give this one a state folder of its own."
            raise JournalOfAnotherLogError(msg)

    def close(self) -> None:
        """Give the folder back."""
        os.close(self._lock)

    def entries(self) -> list[str]:
        """The requests in hand, and no leftovers of what was done with."""
        names = {path.name for path in self.folder.iterdir()}
        requests = {name.removesuffix(".change") for name in names if name.endswith(".change")}
        for name in names:
            stem, dot, suffix = name.rpartition(".")
            if suffix == "new" or (dot + suffix in _PARTS and stem not in requests):
                (self.folder / name).unlink(missing_ok=True)
        return sorted(request for request in requests if parse_request_id(request) is not None)

    def begin(self, change: Change) -> None:
        """Take a change in hand. Durable on return."""
        write_durably(self.path_of(change.request), encode(change))

    def path_of(self, request: str) -> Path:
        """The file that an entry stands and falls with."""
        return self.folder / f"{request}.change"

    def change(self, request: str) -> Change:
        """The change of an entry."""
        return decode_change(self.path_of(request).read_bytes())

    def read(self, request: str, part: str) -> bytes | None:
        """The bytes of `claim`, `begun` or `report`, if written."""
        try:
            return (self.folder / f"{request}.{part}").read_bytes()
        except FileNotFoundError:
            return None

    def write(self, request: str, part: str, value: bytes) -> None:
        """Write `claim`, `begun` or `report`. Durable on return."""
        write_durably(self.folder / f"{request}.{part}", value)

    def forget(self, request: str, part: str) -> None:
        """Remove `claim`, `begun` or `report`."""
        (self.folder / f"{request}.{part}").unlink(missing_ok=True)

    def drop(self, request: str) -> None:
        """The entry is done with."""
        for part in _PARTS:
            (self.folder / f"{request}{part}").unlink(missing_ok=True)

    def heads(self) -> dict[int, HeadInEra]:
        """The newest head of each ledger partition that this applier has gone by."""
        try:
            return _decode_heads((self.folder / "heads").read_bytes())
        except FileNotFoundError:
            return {}

    def keep_heads(self, heads: Mapping[int, HeadInEra]) -> None:
        """The ledger has been read up to these heads, and acted on. Durable on return."""
        write_durably(self.folder / "heads", encode(dict(heads)))

    def position(self, partition: int) -> Position:
        """From where to read `assent.changes`; its start if unknown."""
        try:
            return _decode_position((self.folder / f"position-{partition}").read_bytes())
        except (FileNotFoundError, msgspec.MsgspecError):
            return Position()  # to read a change again does no harm

    def keep_position(self, partition: int, position: Position) -> None:
        """What lies before it is either in hand or done with."""
        write_durably(self.folder / f"position-{partition}", encode(position))


def write_durably(path: Path, value: bytes) -> None:
    """Replace a file as a whole: on return it holds `value`, after a power cut too."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
