"""Partition numbers by key."""

from typing import Any, Final

from assent_contracts.partitioner import murmur2, partition_for
from assent_contracts.vectors.vector_forms import base64_of

_KEYS: Final = (
    b"",
    b"a",
    b"ab",
    b"abc",
    b"abcd",
    b"abcde",
    b"app/payroll",
    b"governance",
    b"script/hello.sh",
    "app/Löhne ✓".encode(),
    b"\x00",
    b"\xff\xfe\xfd",
    b"\x80\x80\x80\x80\x80",
    bytes(range(256)),
    b"x" * 1_089,
)
_COUNTS: Final = (1, 3, 4, 8, 1_024)


def vectors() -> dict[str, Any]:
    """The content of `partitions.json`."""
    return {
        "section": "partitions",
        "keys": [
            {
                "key": base64_of(key),
                "murmur2": murmur2(key),
                "partition_of": {str(count): partition_for(key, count) for count in _COUNTS},
            }
            for key in _KEYS
        ],
    }
