"""A parser for Kafka's record batches (format 2), for batches that aiokafka's own parser rejects.

A header's name should be UTF-8, but a broker accepts any bytes. aiokafka raises on such a name and drops the
whole batch, with the good records before and after it. Here only that header is omitted: it is not one of
Assent's, and a tracing agent may have added it to a good command.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_AFTER_LENGTH: Final = 12
_CODEC_MASK: Final = 0x07
_LOG_APPEND_TIME: Final = 0x08
_CONTROL: Final = 0x20
_CODECS: Final = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}
_VARINT_MAX_BITS: Final = 63


@dataclass(frozen=True)
class FetchedBatch:
    """One batch: its records, and the offset after it, since compaction may have removed the last records."""

    records: list[ConsumerRecord]
    next_offset: int


def read_batches(place: TopicPartition, data: bytes) -> Iterator[FetchedBatch]:
    """The complete batches in a fetch response's bytes.

    Raises CorruptRecordException, UnsupportedCodecError.
    """
    at = 0
    while at + _HEADER.size <= len(data):
        base, length, _, magic, _, attributes, last_delta, *_ = _HEADER.unpack_from(data, at)
        end = at + _AFTER_LENGTH + length
        if end > len(data):
            return
        if end < at + _HEADER.size:
            msg = f"{place}: a batch of {length} bytes"
            raise CorruptRecordException(msg)
        if magic != 2:
            msg = f"{place}: a batch of format {magic}"
            raise CorruptRecordException(msg)
        records = [] if attributes & _CONTROL else list(_records(place, data[at:end]))
        yield FetchedBatch(records, base + last_delta + 1)
        at = end


def _records(place: TopicPartition, batch: bytes) -> Iterator[ConsumerRecord]:
    base, *_, attributes, _, first_ms, last_ms, _, _, _, count = _HEADER.unpack_from(batch)
    body = batch[_HEADER.size :]
    codec = attributes & _CODEC_MASK
    if codec:
        if codec not in _CODECS:
            msg = f"{place}: codec {codec}"
            raise UnsupportedCodecError(msg)
        body = _decompressed(place, codec, body)
    cursor = _Cursor(body)
    by_log = bool(attributes & _LOG_APPEND_TIME)
    for _ in range(count):
        cursor.varint()  # the record's length
        cursor.take(1)  # its attributes: none are defined
        at_ms = first_ms + cursor.varint()
        offset = base + cursor.varint()
        key, value = cursor.sized(), cursor.sized()
        headers = [(cursor.sized() or b"", cursor.sized()) for _ in range(cursor.varint())]
        yield _record(place, offset, (last_ms if by_log else at_ms), int(by_log), key, value, headers)


def _decompressed(place: TopicPartition, codec: int, body: bytes) -> bytes:
    try:
        return _CODECS[codec](body)
    except Exception as error:  # each codec has its own errors
        msg = f"{place}: what codec {codec} cannot decompress"
        raise CorruptRecordException(msg) from error


def _record(
    place: TopicPartition,
    offset: int,
    at_ms: int,
    at_type: int,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[bytes, bytes | None]],
) -> ConsumerRecord:
    key_size, value_size = -1 if key is None else len(key), -1 if value is None else len(value)
    named = tuple(_named(headers))
    return ConsumerRecord(*place, offset, at_ms, at_type, key, value, None, key_size, value_size, named)


def _named(headers: list[tuple[bytes, bytes | None]]) -> Iterator[tuple[str, bytes]]:
    for name, content in headers:
        with suppress(UnicodeDecodeError):
            # A header may have no content, although aiokafka's type does not allow for it.
            yield name.decode(), cast("bytes", content)


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise CorruptRecordException
        self._at += size
        return taken

    def varint(self) -> int:
        """A zigzag variable-length integer."""
        shift = raw = 0
        while True:
            byte = self.take(1)[0]
            raw |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (raw >> 1) ^ -(raw & 1)
            shift += 7
            if shift > _VARINT_MAX_BITS:
                raise CorruptRecordException

    def sized(self) -> bytes | None:
        """Bytes that follow their length; None for the length -1."""
        size = self.varint()
        return None if size < 0 else self.take(size)
