"""The forms in which the vectors are written."""

import base64
from collections.abc import Iterable
from typing import Any

import msgspec

from assent_contracts.acceptance import Headers
from assent_contracts.digests import sha256_hex


class Entry(msgspec.Struct, frozen=True):
    """A record of a topic, as it is there."""

    value: bytes | None
    headers: Headers = ()


class Filler(msgspec.Struct, frozen=True):
    """`count` records by a rule, each chained to the one before: too many to write down."""

    template: str
    """`{seq}` and `{prev}` stand for the record's own, `{pad}` for `pad` times the letter x."""
    first_seq: int
    prev: str
    """Of the first of them; each of the others has the SHA-256 of the one before."""
    count: int
    pad: int = 0

    def values(self) -> list[bytes]:
        """The values of these records, without a header."""
        values: list[bytes] = []
        prev = self.prev
        for seq in range(self.first_seq, self.first_seq + self.count):
            text = self.template.replace("{seq}", str(seq)).replace("{prev}", prev)
            values.append(text.replace("{pad}", "x" * self.pad).encode())
            prev = sha256_hex(values[-1])
        return values


def base64_of(data: bytes) -> str:
    """The standard alphabet, with padding."""
    return base64.b64encode(data).decode()


def written(entries: Iterable[Entry | Filler], first_offset: int = 0) -> list[dict[str, Any]]:
    """Records as the files have them. An offset counts on by one."""
    found: list[dict[str, Any]] = []
    offset = first_offset
    for entry in entries:
        if isinstance(entry, Filler):
            found.append({"offset": offset, "rule": msgspec.to_builtins(entry)})
            offset += entry.count
        else:
            value = None if entry.value is None else base64_of(entry.value)
            headers = [
                [name, None if content is None else base64_of(content)] for name, content in entry.headers
            ]
            found.append({"offset": offset, "value": value, "headers": headers})
            offset += 1
    return found
