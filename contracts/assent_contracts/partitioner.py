"""Kafka's default partitioner: murmur2 over the key, as the Java client does it.

Clients based on librdkafka use another one by default. The decider refuses commands in a wrong partition
(`misrouted`).
"""

import struct
from functools import lru_cache

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


@lru_cache(maxsize=64)
def _words(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}I")


def murmur2(data: bytes) -> int:
    """The unsigned 32-bit murmur2 hash of `data`, with Kafka's seed."""
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for k in _words(whole >> 2).unpack_from(data):
        k = (k * _M) & _MASK
        # Masked once: bits above the 32nd never affect the lower ones.
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    if length != whole:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


def partition_for(key: bytes, partitions: int) -> int:
    """The partition, out of `partitions`, in which a record with this key belongs."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
