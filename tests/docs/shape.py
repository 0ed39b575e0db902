"""Whether the output of a command has the shape that a page shows.

The same words must be in the same order, with the same request ids and positions. Other numbers, times,
hashes, keys and the width of columns may differ. A line of `…` matches any lines, and `…` at the end of a
line matches the rest of that line.
"""

import re
from typing import Final

_NUMBER: Final = re.compile(r"(?P<place>\b\d+[-/]\d+\b)|\d+(\.\d+)?")
_REPLACED: Final = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "ID"),
    (re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])"), "KEY"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?Z?"), "TIME"),
    (re.compile(r"[─━═]+"), "─"),
    (re.compile(r"\s+"), " "),
)


def differences(shown: str, printed: str) -> str | None:
    """The first shown line that was not printed where the page has it; None if all were."""
    rest = [line for line in map(_plain, printed.splitlines()) if line]
    skipping = False
    for line in map(_plain, shown.splitlines()):
        if line == "…":
            skipping = True
        elif line:
            place = next((n for n, each in enumerate(rest) if _fits(line, each)), None)
            if place is None or (place > 0 and not skipping):
                return f"shown: {line}\nprinted: {rest[0] if rest else 'nothing'}"
            rest, skipping = rest[place + 1 :], False
    if rest and not skipping:
        return f"printed, and not shown: {rest[0]}"
    return None


def _fits(shown: str, printed: str) -> bool:
    if shown.endswith("…"):
        return printed.startswith(shown[:-1].rstrip())
    return shown == printed


def _plain(line: str) -> str:
    for pattern, stands_for in _REPLACED:
        line = pattern.sub(stands_for, line)
    return _NUMBER.sub(lambda match: match["place"] or "0", line).strip()
