"""A payload for people: highlighted, numbered, compared with what was applied last. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup, escape

from assent.gateway.console.payload_colours import coloured, is_coloured
from assent.reading.overlooked_text import Oddity, is_odd, oddities, plain_ends, shown_line
from assent.reading.payload_diff import Mark, payload_diff
from assent.reading.payloads import ShownFile, ShownPayload
from assent.reading.visible_text import number_of

LINES_MAX: Final = 2_000
"""Lines of a payload that a page shows. The whole content can be opened or saved."""
FIRST_LINES: Final = 60
"""Lines that are shown at first. A full-width bar opens the others."""
PIECE_CHARS: Final = 500
"""A part of a line that fits on one screen of a phone."""
_RETURN: Final = Markup('<span class="hidden-char">{}</span>').format(number_of("\r"))
_AROUND: Final = 3
"""Unchanged lines that are shown before and after a changed one."""


class CodeLine(msgspec.Struct, frozen=True):
    """One line: its numbers in the previous and in this version, and its text as HTML."""

    mark: Mark
    old: int | None
    new: int | None
    html: Markup
    is_odd: bool = False
    """Whether it has something that a reader would overlook."""


class FoldedLines(msgspec.Struct, frozen=True):
    """Unchanged lines, folded because they need not be read."""

    lines: tuple[CodeLine, ...]


class PayloadView(msgspec.Struct, frozen=True, kw_only=True):
    """A payload as its page shows it."""

    kind: str
    language: str
    lines: tuple[CodeLine, ...]
    count: int
    """The number of its lines."""
    more: int
    """Lines that are not shown."""
    file: ShownFile | None
    odd: tuple[Oddity, ...]
    """What a reader would overlook in it."""
    is_plain: bool
    """Whether it is too long or too complex for syntax highlighting."""
    changes: tuple[CodeLine | FoldedLines, ...] | None
    """The difference from what was applied last; None if nothing was."""
    added: int = 0
    removed: int = 0


def payload_view(after: ShownPayload, before: ShownPayload | None) -> PayloadView:
    """The payload, and its difference from the version that was applied before."""
    new, is_plain = _html_lines(after)
    changes = None if before is None else _changes(before, after, new)
    flat = [
        line for each in changes or () for line in (each.lines if isinstance(each, FoldedLines) else (each,))
    ]
    return PayloadView(
        kind=after.kind,
        language=after.language,
        lines=tuple(
            CodeLine(" ", None, number, html, is_odd(line))
            for number, (line, html) in enumerate(zip(_lines(after), new, strict=True), start=1)
        ),
        count=after.text.count("\n") + 1,
        more=max(0, after.text.count("\n") + 1 - LINES_MAX),
        file=after.file,
        odd=oddities(after.text),
        is_plain=is_plain,
        changes=changes,
        added=sum(line.mark == "+" for line in flat),
        removed=sum(line.mark == "-" for line in flat),
    )


def _changes(
    before: ShownPayload, after: ShownPayload, new: Sequence[Markup]
) -> tuple[CodeLine | FoldedLines, ...]:
    old, _ = _html_lines(before)
    lines: list[CodeLine] = []
    was = will = 0
    for each in payload_diff(before, after):
        if each.mark == "…":
            lines.append(CodeLine("…", None, None, escape(each.text)))
            continue
        was += each.mark != "+"
        will += each.mark != "-"
        html = old[was - 1] if each.mark == "-" else new[will - 1]
        if each.text.endswith("\r"):
            html += _RETURN
        old_no, new_no = was if each.mark != "+" else None, will if each.mark != "-" else None
        lines.append(CodeLine(each.mark, old_no, new_no, html, is_odd(each.text)))
    return tuple(_folded(lines))


def _folded(lines: list[CodeLine]) -> list[CodeLine | FoldedLines]:
    near = set[int]()
    for number, line in enumerate(lines):
        if line.mark != " ":
            near.update(range(number - _AROUND, number + _AROUND + 1))
    found: list[CodeLine | FoldedLines] = []
    far: list[CodeLine] = []
    for number, line in enumerate(lines):
        if number not in near:
            far.append(line)
            continue
        found += _fold(far)
        far = []
        found.append(line)
    return [*found, *_fold(far)]


def _fold(lines: list[CodeLine]) -> list[CodeLine | FoldedLines]:
    # A fold of one line is longer than the line.
    return list(lines) if len(lines) < 2 else [FoldedLines(tuple(lines))]


def _html_lines(payload: ShownPayload) -> tuple[Sequence[Markup], bool]:
    """(the lines that are shown, whether they lack the syntax highlighting of their language)"""
    text = "\n".join(shown_line(line) for line in _lines(payload))
    if not is_coloured(payload.language):
        return _plain_lines(text), False
    found = coloured(text, payload.language)
    return (_plain_lines(text), True) if found is None else (found, False)


def _lines(payload: ShownPayload) -> Sequence[str]:
    # Indenting can make JSON of brackets fifty times as long, so the work is limited to the lines shown.
    return plain_ends(payload.text).split("\n")[:LINES_MAX]


def _plain_lines(text: str) -> Sequence[Markup]:
    return [_in_pieces(line) for line in text.split("\n")]


def _in_pieces(line: str) -> Markup:
    """The whole line. A long one is in pieces, so that the page can tell which of them were on the screen."""
    if len(line) <= PIECE_CHARS:
        return escape(line)
    pieces = (line[at : at + PIECE_CHARS] for at in range(0, len(line), PIECE_CHARS))
    return Markup("").join(Markup('<span class="piece">{}</span>').format(each) for each in pieces)


def full_text(payload: ShownPayload) -> str:
    """Every line with its number and nothing hidden, for a separate view."""
    lines = plain_ends(payload.text).split("\n")
    width = len(str(len(lines)))
    return "\n".join(f"{number:>{width}}  {shown_line(line)}" for number, line in enumerate(lines, start=1))
