"""What an applier remembers across a crash: a small set of files for each change in progress.

`<request>.change`   the released change as it was read and checked, with its position and submission
`<request>.claim`    the claim's bytes, written before they are published
`<request>.begun`    from here on the change may have been applied
`<request>.report`   the outcome's bytes, written before they are published

And what it remembers of its past work:

`identity`           of the log, in full
`heads`              the newest accepted head of each ledger partition that this applier has acted on, and
                     the era of the log in which it was read
`begun-is-kept`      `.begun` files are written here. Clients up to September 2026 wrote none
`position-<n>`       the next offset in partition n of `assent.changes`, and the hash of the record before

Each file is written to a temporary file, synced and renamed, so that it exists completely or not at all. An
entry exists as long as its `.change` file does, which is deleted first when the entry is done. Two logs can
have requests with the same ids, so each log has its own folder, named by its identity. A log that was
restored to an earlier state also reuses the ids of the requests that it lost. So nothing here relies on a
request's id alone.
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
    """Another process uses this state folder: give each applier its own."""


class JournalOfAnotherLogError(Exception):
    """This state folder belongs to another log: give each log its own."""


class Position(msgspec.Struct, frozen=True):
    """Where to continue in a partition of `assent.changes`."""

    offset: int = 0
    sha256: str = _NOTHING
    """SHA-256 (hex) of the previous record's value; empty if it is not known."""


_decode_heads = msgspec.json.Decoder(dict[int, HeadInEra]).decode
_decode_position = msgspec.json.Decoder(Position).decode


class Journal:
    """One applier's journal of one log. Only one process can use it at a time."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Open or create it. Raises JournalInUseError, JournalOfAnotherLogError, OSError."""
        self.folder: Final = folder / identity[:16]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The Java client can take only a lock of this other kind.
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        self._begin_what_older_clients_claimed()

    def _begin_what_older_clients_claimed(self) -> None:
        """An older client left a claim without a `.begun` file, and may have made the change all the same."""
        marker = self.folder / "begun-is-kept"
        if marker.exists():
            return
        for request in self.entries():
            if self.read(request, "claim") is not None and self.read(request, "begun") is None:
                self.write(request, "begun", b"")
        write_durably(marker, b"")

    def close(self) -> None:
        """Release the folder."""
        os.close(self._lock)

    def entries(self) -> list[str]:
        """The requests in progress. Removes leftover files of those that are done."""
        names = {path.name for path in self.folder.iterdir()}
        requests = {name.removesuffix(".change") for name in names if name.endswith(".change")}
        for name in names:
            stem, dot, suffix = name.rpartition(".")
            if suffix == "new" or (dot + suffix in _PARTS and stem not in requests):
                (self.folder / name).unlink(missing_ok=True)
        return sorted(request for request in requests if parse_request_id(request) is not None)

    def begin(self, change: Change) -> None:
        """Create the entry of a change. Durable on return."""
        write_durably(self.path_of(change.request), encode(change))

    def path_of(self, request: str) -> Path:
        """The file whose existence makes an entry exist."""
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
        """Delete an entry, which is done."""
        for part in _PARTS:
            (self.folder / f"{request}{part}").unlink(missing_ok=True)

    def heads(self) -> dict[int, HeadInEra]:
        """The newest head of each ledger partition that this applier has acted on."""
        try:
            return _decode_heads((self.folder / "heads").read_bytes())
        except FileNotFoundError:
            return {}

    def keep_heads(self, heads: Mapping[int, HeadInEra]) -> None:
        """Store that the ledger was read up to these heads and acted on. Durable on return."""
        write_durably(self.folder / "heads", encode(dict(heads)))

    def position(self, partition: int) -> Position:
        """From where to read a partition of `assent.changes`; its start if unknown."""
        try:
            return _decode_position((self.folder / f"position-{partition}").read_bytes())
        except (FileNotFoundError, msgspec.MsgspecError):
            return Position()  # reading a change again does no harm

    def keep_position(self, partition: int, position: Position) -> None:
        """Store a position. Every change before it is in progress or done."""
        write_durably(self.folder / f"position-{partition}", encode(position))


def write_durably(path: Path, value: bytes) -> None:
    """Replace a file atomically: on return it contains `value`, also after a power cut."""
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
