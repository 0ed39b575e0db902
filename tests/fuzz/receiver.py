"""What is fuzzed: a function of bytes, the seeds that get far into it, and what it may raise."""

import random
import zlib
from collections.abc import Callable

import msgspec


class Receiver(msgspec.Struct, frozen=True):
    """A receiver of bytes from outside."""

    name: str
    take: Callable[[bytes], object]
    """Its result is compared with that of a second call."""
    seeds: tuple[bytes, ...]
    raises: tuple[type[Exception], ...] = ()
    """What its docstring names and its callers handle: everything else is a finding."""
    weight: int = 1


def chances(data: bytes) -> random.Random:
    """What else an input needs (headers, keys, a seal) follows from its bytes, so that they repeat it."""
    return random.Random(zlib.crc32(data))
