"""What an applier remembers across a crash: one file of records.

A change in progress has, one after the other:

`change`   the released change as it was read and checked, with its position and submission
`claim`    the claim's bytes, durable before anything is applied
`report`   the outcome's bytes, made durable while they are published

From its past work it has the newest accepted head of each ledger partition that this applier has acted on,
with the era of the log in which it was read, and its position in each partition of `assent.changes`.

All this is appended to the file `journal`. Changes that are in progress at the same time share one sync, and
nothing is durable without what was written before it: a position not without the changes that it leaves
behind. The file is written again with what still counts when it is opened, and when it has become large. A
tail that a crash has left incomplete is not read: nothing in it had been relied on.

Commands are published while they are made durable. If a power cut takes one back that the ledger has, nothing
was applied under that claim, or the report is decided before the claim's bytes are answered again.

A change that has a claim when the journal is opened may have been applied. The folder may be an older copy,
or its process was killed, and neither shows how far it came after the claim.

Two logs can have requests with the same ids, so each log has its own folder, named by its identity. A log
that was restored to an earlier state also reuses the ids of the requests that it lost. So nothing here relies
on a request's id alone.
"""

import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from assent_contracts.client.applier_journal_files import read_journal_files, remove_journal_files
from assent_contracts.client.applier_journal_records import (
    Begun,
    Dropped,
    Heads,
    JournalRecord,
    Part,
    Position,
    PositionKept,
    decode_journal_record,
    encode_journal_record,
)
from assent_contracts.client.durable_file import write_durably
from assent_contracts.client.record_file import Place, RecordFile
from assent_contracts.codec import encode
from assent_contracts.heads import HeadInEra
from assent_contracts.released_change import Change, decode_change

_LARGE_BYTES: Final = 64 * 1024 * 1024
_TIMES_LARGER: Final = 4
"""The file is written anew when it is large, and so much larger than what still counts in it."""


class JournalInUseError(Exception):
    """Another process uses this state folder: give each applier its own."""


class JournalOfAnotherLogError(Exception):
    """This state folder belongs to another log: give each log its own."""


class _Entry(msgspec.Struct):
    """A change in progress. Its bytes stay in the file, because they may be many."""

    change: Place
    parts: dict[str, bytes] = {}
    may_be_applied: bool = False


class Journal:
    """One applier's journal of one log. Only one process can use it at a time."""

    def __init__(self, folder: Path, identity: str, *, large_bytes: int = _LARGE_BYTES) -> None:
        """Open or create it. Raises JournalInUseError, JournalOfAnotherLogError, OSError.

        `large_bytes`: from this size on the file is written anew while it is used.
        """
        self.folder: Final = folder / identity[:16]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._locked(folder)
        self._large_bytes = large_bytes
        self._entries: dict[str, _Entry] = {}
        self._heads: dict[int, HeadInEra] = {}
        self._positions: dict[int, Position] = {}
        try:
            self._check_owner(folder, identity)
            self._file = RecordFile(self.folder / "journal")
        except BaseException:
            os.close(self._lock)
            raise
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _locked(self, folder: Path) -> int:
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The Java client can take only a lock of this other kind.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            msg = f"{folder} is in use by another applier: give each its own state folder."
            raise JournalInUseError(msg) from None
        return lock

    def _check_owner(self, folder: Path, identity: str) -> None:
        owner = self.folder / "identity"
        if not owner.exists():
            write_durably(owner, identity.encode())
        elif owner.read_bytes() != identity.encode():
            msg = f"{folder} belongs to another log: give this one a state folder of its own."
            raise JournalOfAnotherLogError(msg)

    def _open(self) -> None:
        for place, value in self._file.records():
            self._take(decode_journal_record(value), place)
        # An earlier version wrote a file for each part. Until they are removed they say what counts.
        for record in read_journal_files(self.folder):
            self._take(record, self._file.append(encode_journal_record(record)))
        for entry in self._entries.values():
            entry.may_be_applied = "claim" in entry.parts
        self._forget_what_people_dropped()
        self._write_anew()
        remove_journal_files(self.folder)

    def _take(self, record: JournalRecord, place: Place) -> None:
        match record:
            case Begun():
                self._entries[record.request] = _Entry(place)
            case Part() if record.request in self._entries:
                parts = self._entries[record.request].parts
                if record.value is None:
                    parts.pop(record.part, None)
                else:
                    parts[record.part] = record.value
            case Dropped():
                self._entries.pop(record.request, None)
            case Heads():
                self._heads = record.heads
            case PositionKept():
                self._positions[record.partition] = record.position
            case _:
                pass

    def _forget_what_people_dropped(self) -> None:
        for request in [*self._entries]:
            if self.path_to_drop(request).exists():
                del self._entries[request]

    def path_to_drop(self, request: str) -> Path:
        """A file with which people have an entry dropped when the journal is opened."""
        return self.folder / f"{request}.drop"

    @property
    def instance(self) -> str:
        """What identifies the user of this folder, over restarts and among all machines."""
        place = f"{socket.gethostname()}\0{self.folder.resolve()}"
        return hashlib.sha256(place.encode()).hexdigest()[:32]

    async def settle(self) -> None:
        """Return when the disk is not being written, so that the journal can be closed."""
        await self._file.settle()

    def close(self) -> None:
        """Release the folder. What was written since `durable` may be lost in a power cut."""
        self._file.close()
        os.close(self._lock)

    def entries(self) -> list[str]:
        """The requests in progress."""
        return sorted(self._entries)

    def begin(self, change: Change) -> None:
        """Create the entry of a change."""
        self._append(Begun(change.request, encode(change)))

    def change(self, request: str) -> Change:
        """The change of an entry."""
        record = decode_journal_record(self._file.read(self._entries[request].change))
        assert isinstance(record, Begun), "an entry knows the place of its change"
        return decode_change(record.change)

    def read(self, request: str, part: Literal["claim", "report"]) -> bytes | None:
        """The bytes of `claim` or `report`, if written."""
        return self._entries[request].parts.get(part)

    def write(self, request: str, part: Literal["claim", "report"], value: bytes) -> None:
        """Write `claim` or `report`."""
        self._append(Part(request, part, value))

    def forget(self, request: str, part: Literal["claim", "report"]) -> None:
        """Remove `claim` or `report`."""
        self._append(Part(request, part, None))
        if part == "claim":
            self._entries[request].may_be_applied = False  # the ledger did not grant it

    def may_be_applied(self, request: str) -> bool:
        """Whether the change may have been applied: here, or before the journal was opened."""
        return self._entries[request].may_be_applied

    def begin_to_apply(self, request: str) -> None:
        """From here on the change may have been applied: its claim, which is durable, shows it."""
        entry = self._entries[request]
        assert "claim" in entry.parts, "only a claimed change is applied"
        entry.may_be_applied = True

    def drop(self, request: str) -> None:
        """Remove an entry, which is done. To lose this in a crash costs only time."""
        self._append(Dropped(request))

    def heads(self) -> dict[int, HeadInEra]:
        """The newest head of each ledger partition that this applier has acted on."""
        return dict(self._heads)

    def keep_heads(self, heads: Mapping[int, HeadInEra]) -> None:
        """Store that the ledger was read up to these heads and acted on."""
        self._append(Heads(dict(heads)))

    def position(self, partition: int) -> Position:
        """From where to read a partition of `assent.changes`; its start if unknown."""
        return self._positions.get(partition, Position())

    def keep_position(self, partition: int, position: Position) -> None:
        """Store a position. Every change before it is in progress or done."""
        self._append(PositionKept(partition, position))

    def sync(self) -> None:
        """Begin to make everything durable that was written so far."""
        self._file.sync()

    async def durable(self) -> None:
        """Return when everything that was written before is on disk. Raises OSError."""
        await self._file.durable()
        if self._file.end >= self._large_bytes:
            await self._file.settle()
            if self._file.end >= max(self._large_bytes, _TIMES_LARGER * self._counting_bytes()):
                self._write_anew()

    def _append(self, record: JournalRecord) -> None:
        self._take(record, self._file.append(encode_journal_record(record)))

    def _counting_bytes(self) -> int:
        return sum(entry.change.length for entry in self._entries.values())

    def _write_anew(self) -> None:
        """Have only what still counts in the file. Blocks for as long as the disk takes."""
        entries = [*self._entries.items()]
        places = self._file.replace(self._counting(entries))
        for (_, entry), place in zip(entries, places, strict=False):
            entry.change = place

    def _counting(self, entries: list[tuple[str, _Entry]]) -> Iterator[bytes]:
        for _, entry in entries:
            yield self._file.read(entry.change)
        rest: list[JournalRecord] = [
            Part(request, "claim" if part == "claim" else "report", value)
            for request, entry in entries
            for part, value in entry.parts.items()
        ]
        rest.append(Heads(self._heads))
        rest += [PositionKept(partition, position) for partition, position in self._positions.items()]
        for record in rest:
            yield encode_journal_record(record)
