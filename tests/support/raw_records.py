"""Records and batches that none of our clients would make, built by hand and sent unchanged."""

import struct
import time
from typing import Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c

from assent_contracts.client.connection import Connection, open_producer

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_CRC_AT: Final = 17
_ATTRIBUTES_AT: Final = 21
CODECS: Final = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_ENCODE: Final = {"gzip": gzip_encode, "snappy": snappy_encode, "lz4": lz4_encode, "zstd": zstd_encode}

POISON: Final[list[tuple[bytes, bytes | None]]] = [(b"\xff\xfe", b"1")]
"""Headers with a name that is not UTF-8."""


class RawRecord(msgspec.Struct, frozen=True):
    """One record; header names are any bytes."""

    value: bytes | None
    key: bytes | None = None
    headers: list[tuple[bytes, bytes | None]] = []


def raw_headers(headers: list[tuple[str, bytes]]) -> list[tuple[bytes, bytes | None]]:
    """Ordinary headers, for a RawRecord."""
    return [(name.encode(), content) for name, content in headers]


def build_batch(records: list[RawRecord], codec: str | None = None) -> bytes:
    """A batch of format 2."""
    body = b"".join(_record(number, record) for number, record in enumerate(records))
    if codec is not None:
        body = _ENCODE[codec](body)
    now = time.time_ns() // 1_000_000
    attributes = CODECS[codec] if codec else 0
    length = _HEADER.size - 12 + len(body)
    last = len(records) - 1
    batch = bytearray(
        _HEADER.pack(0, length, -1, 2, 0, attributes, last, now, now, -1, -1, -1, len(records)) + body
    )
    struct.pack_into(">I", batch, _CRC_AT, calc_crc32c(batch[_ATTRIBUTES_AT:]))
    return bytes(batch)


async def produce_raw(connection: Connection, topic: str, partition: int, batch: bytes) -> int:
    """Send a batch unchanged; returns the offset of its first record. Raises KafkaError."""
    producer = await open_producer(connection)
    try:
        await producer.partitions_for(topic)
        node = producer.client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(None, -1, 10_000, [(topic, [(partition, batch)])])
        response = await producer.client.send(node, request)
    finally:
        await producer.stop()
    [(_, [(_, code, offset, *_)])] = response.topics
    if code:
        raise for_code(code)
    return offset


def _record(number: int, record: RawRecord) -> bytes:
    headers = b"".join(_sized(name) + _sized(content) for name, content in record.headers)
    body = b"".join(
        (
            b"\0",
            _varint(0),
            _varint(number),
            _sized(record.key),
            _sized(record.value),
            _varint(len(record.headers)),
            headers,
        )
    )
    return _varint(len(body)) + body


def _sized(content: bytes | None) -> bytes:
    return _varint(-1) if content is None else _varint(len(content)) + content


def _varint(number: int) -> bytes:
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(0x80 | (left & 0x7F))
        left >>= 7
    out.append(left)
    return bytes(out)
