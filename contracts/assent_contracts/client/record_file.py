"""A file of records that only grows, and that all who wait make durable together.

It begins with the bytes in `START`. A record is its length and the CRC-32 of its bytes, each an unsigned
32-bit little-endian number, and the bytes. What a crash has left at the end, a record that is incomplete or
does not match its checksum and everything after it, was never said to be durable: it is not read. A record of
no bytes is not valid, so a tail of zeros, which some file systems leave, is not read either.
"""

import asyncio
import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from assent_contracts.client.durable_file import replacing

START: Final = b"assent-records-1\n"
RECORD_MAX_BYTES: Final = 8 * 1024 * 1024
_HEAD: Final = struct.Struct("<II")
_log: Final = logging.getLogger(__name__)


class NotARecordFileError(OSError):
    """This file does not have the form of one."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where the bytes of a record are in the file."""

    offset: int
    length: int


class RecordFile:
    """One open file. Only one process may append to it."""

    def __init__(self, path: Path) -> None:
        """Open it, or create it without records. Raises OSError."""
        self.path: Final = path
        if not path.exists():
            _write(path, ())
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self.end = os.fstat(self._file).st_size
        """Where the next record begins (bytes)."""
        self._appended = self._synced = self._wanted = 0
        """Bytes since it was opened, which count on when the file is replaced."""
        self._syncing: asyncio.Task[None] | None = None
        self._synced_again = asyncio.Event()
        self._failed: OSError | None = None

    def close(self) -> None:
        """Close it. What was appended since `durable` may be lost in a power cut."""
        os.close(self._file)

    def records(self) -> Iterator[tuple[Place, bytes]]:
        """The records from the start to the first that is incomplete. Raises NotARecordFileError."""
        if os.pread(self._file, len(START), 0) != START:
            msg = f"{self.path} is not a file of records. Restore the state folder that it belongs to."
            raise NotARecordFileError(msg)
        at = len(START)
        while (value := self._record(at)) is not None:
            yield Place(at + _HEAD.size, len(value)), value
            at += _HEAD.size + len(value)
        if at < self.end:
            _log.warning(
                "%s: its last %d bytes, from %d on, cannot be read and are dropped. That is normal after a"
                " crash. Otherwise the file was damaged.",
                self.path,
                self.end - at,
                at,
            )

    def _record(self, at: int) -> bytes | None:
        head = os.pread(self._file, _HEAD.size, at)
        if len(head) < _HEAD.size:
            return None
        length, checksum = _HEAD.unpack(head)
        if not 0 < length <= RECORD_MAX_BYTES:
            return None
        value = os.pread(self._file, length, at + _HEAD.size)
        return value if len(value) == length and zlib.crc32(value) == checksum else None

    def read(self, place: Place) -> bytes:
        """The bytes at a place that `records` or `append` gave since the last `replace`."""
        return os.pread(self._file, place.length, place.offset)

    def append(self, value: bytes) -> Place:
        """Add a record of 1 to RECORD_MAX_BYTES bytes. It is durable after `durable`. Raises OSError."""
        self._check()
        framed = _framed(value)
        try:
            self._write(framed)
        except OSError as error:
            # Nothing may follow an incomplete record: it would not be read.
            self._failed = error
            raise
        place = Place(self.end + _HEAD.size, len(value))
        self.end += len(framed)
        self._appended += len(framed)
        return place

    def _write(self, framed: bytes) -> None:
        written = os.write(self._file, framed)
        if written != len(framed):
            msg = f"{self.path}: {written} of {len(framed)} bytes were written. Is the disk full?"
            raise OSError(msg)

    def sync(self) -> None:
        """Begin to make everything durable that was appended so far."""
        self._wanted = self._appended
        if self._syncing is None and self._failed is None:
            self._syncing = asyncio.create_task(self._sync(), name="journal")

    async def durable(self) -> None:
        """Return when everything that was appended before is on disk. Raises OSError.

        All who wait at the same time share one sync.
        """
        wanted = self._appended
        while self._synced < wanted:
            self._check()
            self.sync()
            await self._synced_again.wait()

    async def _sync(self) -> None:
        while self._synced < self._wanted and self._failed is None:
            appended = self._appended
            try:
                await asyncio.to_thread(os.fdatasync, self._file)
                self._synced = appended
            except OSError as error:
                # It is unknown what is on disk, and a second sync may find nothing wrong.
                self._failed = error  # which all who wait raise
            synced, self._synced_again = self._synced_again, asyncio.Event()
            synced.set()
        self._syncing = None

    async def settle(self) -> None:
        """Return when no sync is running, so that the file can be closed or replaced."""
        while self._syncing is not None:
            await asyncio.wait([self._syncing])

    def replace(self, values: Iterable[bytes]) -> list[Place]:
        """Have these records only. Durable on return. Not while a sync is running. Raises OSError."""
        self._check()
        assert self._syncing is None, "the file of a running sync stays open"
        places = _write(self.path, values)
        fresh = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        os.close(self._file)
        self._file = fresh
        self.end, self._synced = os.fstat(fresh).st_size, self._appended
        return places

    def _check(self) -> None:
        if self._failed is not None:
            msg = f"{self.path} could not be written before: {self._failed}"
            raise OSError(msg) from self._failed


def _framed(value: bytes) -> bytes:
    if not 0 < len(value) <= RECORD_MAX_BYTES:
        msg = f"A record has 1 to {RECORD_MAX_BYTES} bytes, not {len(value)}."
        raise ValueError(msg)
    return _HEAD.pack(len(value), zlib.crc32(value)) + value


def _write(path: Path, values: Iterable[bytes]) -> list[Place]:
    """Replace a file atomically by one with these records."""
    places: list[Place] = []
    with replacing(path) as file:
        file.write(START)
        at = len(START)
        for value in values:
            places.append(Place(at + _HEAD.size, len(value)))
            at += file.write(_framed(value))
    return places
