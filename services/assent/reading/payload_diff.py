"""How a change differs from the object as it was last applied, line by line. Pure."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

import msgspec

from assent.reading.payloads import ShownPayload

LINES_MAX: Final = 2_000
"""Lines of each side that are compared. The last lines of the difference state how many are left out."""

Mark = Literal["+", "-", " ", "…"]
"""Added, removed, in both. `…` is not a line of a payload but states how many lines are not shown."""


class DiffLine(msgspec.Struct, frozen=True):
    """One line of a difference. `text` is as the sender wrote it; `visible` reveals hidden characters."""

    mark: Mark
    text: str


def payload_diff(before: ShownPayload | None, after: ShownPayload) -> list[DiffLine]:
    """Every line of both sides in order, those in both once. Without `before` every line is an addition.

    Lines that differ only in their line ends (CR LF or LF) count as different, and `text` then includes the
    CR. Where all lines end in CR LF, the CR is left out.
    """
    texts = [after.text] if before is None else [before.text, after.text]
    if all(text.count("\n") == text.count("\r\n") for text in texts):
        texts = [text.replace("\r\n", "\n") for text in texts]
    new = texts[-1].split("\n")
    old = [] if before is None else texts[0].split("\n")
    return [*_compared(old[:LINES_MAX], new[:LINES_MAX]), *_left_out(old, new)]


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    # With difflib's heuristic for very frequent lines: without it crafted payloads take minutes.
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            yield from (DiffLine(" ", line) for line in old[old_from:old_to])
        else:
            yield from (DiffLine("-", line) for line in old[old_from:old_to])
            yield from (DiffLine("+", line) for line in new[new_from:new_to])


def _left_out(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    for lines, whose in ((old, "the previous version"), (new, "this version")):
        if len(lines) > LINES_MAX:
            more = len(lines) - LINES_MAX
            yield DiffLine("…", f"{more:,} more {'line' if more == 1 else 'lines'} of {whose} not compared")
