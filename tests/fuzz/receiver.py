"""What is fuzzed: a function of bytes, seeds that get far into it, and the errors it may raise."""

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
    """The errors that its docstring names and its callers handle. Everything else is a finding."""
    weight: int = 1


def chances(data: bytes) -> random.Random:
    """What else an input needs (headers, keys, a seal) is derived from its bytes, so that they repeat it."""
    return random.Random(zlib.crc32(data))
