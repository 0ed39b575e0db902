"""A reference to a test as one line that people write and read: its SHA-256, what it is, and where. Pure."""

import re
from typing import Final

from msgspec import UNSET

from assent_contracts.change_details import HashedReference

_LINE: Final = re.compile(r"([0-9a-f]{64})\s+(.*?)(?:\s+(https?://\S+))?\s*")


def reference_of(line: str) -> HashedReference | None:
    """The reference in a line such as `SHA256 CI run 17 https://ci.example/17`; None if it is not one."""
    found = _LINE.fullmatch(line.strip())
    if found is None or not found[2]:
        return None
    return HashedReference(what=found[2], sha256=found[1], uri=UNSET if found[3] is None else found[3])


def reference_line(tested: HashedReference) -> str:
    """The line for a reference."""
    return " ".join((tested.sha256, tested.what, *(() if tested.uri is UNSET else (tested.uri,))))
