"""What a reader of a text would overlook: how often it occurs, and where first. Pure; fast on any text."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

import msgspec

from assent.reading.visible_text import hidden_places, visible
from assent_contracts.unicode_14 import RIGHT_TO_LEFT, character_class

LONG_LINE_CHARS: Final = 400
BLANKS_MAX: Final = 32
"""Blanks between two words of a line. More than this can move the following text out of sight."""
_INDENT_MAX: Final = 160
"""Blanks before the first word. The deepest JSON has 128."""
EMPTY_LINES_MAX: Final = 20
_KEPT: Final = "\n\t"

Kind = Literal["hidden", "long", "blanks", "empty", "right-to-left", "look-alikes"]


class Oddity(msgspec.Struct, frozen=True):
    """Something that a reader would overlook, and how often. `line` is the first line with it."""

    kind: Kind
    count: int
    line: int


def oddities(text: str) -> tuple[Oddity, ...]:
    """Every kind of oddity in the text. CR LF counts as a line end."""
    text = plain_ends(text)
    found: list[Oddity] = []
    for kind, places in _places(text):
        first = next(places, None)
        if first is not None:
            found.append(Oddity(kind, 1 + sum(1 for _ in places), text.count("\n", 0, first) + 1))
    return tuple(found)


def odd_sentence(oddity: Oddity) -> str:
    """The oddity in words, for a terminal."""
    one, other = _WORDS[oddity.kind]
    first = "" if oddity.count == 1 else "the first "
    return f"{one if oddity.count == 1 else f'{oddity.count:,} {other}'} ({first}on line {oddity.line:,})."


_WORDS: Final[dict[Kind, tuple[str, str]]] = {
    "hidden": (
        "1 character that a screen would hide or obey, shown by its code point",
        "characters that a screen would hide or obey, shown by their code points",
    ),
    "long": (
        f"1 line has more than {LONG_LINE_CHARS} characters",
        f"lines have more than {LONG_LINE_CHARS} characters",
    ),
    "blanks": (
        f"1 run of more than {BLANKS_MAX} blanks with text after it",
        f"runs of more than {BLANKS_MAX} blanks with text after them",
    ),
    "empty": (
        f"1 gap of more than {EMPTY_LINES_MAX} empty lines with text after it",
        f"gaps of more than {EMPTY_LINES_MAX} empty lines with text after them",
    ),
    "right-to-left": (
        "1 line has letters of right-to-left scripts: the screen may show it in another order",
        "lines have letters of right-to-left scripts: the screen may show them in another order",
    ),
    "look-alikes": (
        "1 word mixes alphabets whose letters look alike",
        "words mix alphabets whose letters look alike",
    ),
}


def is_odd(line: str) -> bool:
    """Whether one line has something that a reader would overlook."""
    return any(next(places, None) is not None for _, places in _places(line))


def shown_line(line: str) -> str:
    """A line for people: invisible characters by their code points, a long run of blanks by its length."""
    return _BLANKS.sub(lambda run: f" ⟨{len(run[0])} blanks⟩ ", visible(line, also="\t"))


def plain_ends(text: str) -> str:
    """The text with LF in place of CR LF. A carriage return elsewhere stays, and is shown."""
    return text.replace("\r\n", "\n")


_LONG: Final = re.compile(rf"^[^\n]{{{LONG_LINE_CHARS + 1}}}", re.MULTILINE)
_BLANKS: Final = re.compile(
    rf"(?<=\S)[ \t]{{{BLANKS_MAX + 1},}}+(?=\S)|^[ \t]{{{_INDENT_MAX + 1},}}+(?=\S)", re.MULTILINE
)
_EMPTY: Final = re.compile(rf"\n(?:[ \t]*+\n){{{EMPTY_LINES_MAX + 1},}}+")
_TEXT: Final = re.compile(r"\S")
_WORD: Final = re.compile(r"\w+")
_ALPHABETS: Final = (
    re.compile(r"[A-Za-z\u00c0-\u024f]"),
    re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"),
    re.compile(r"[\u0400-\u052f\u1c80-\u1c88\u2de0-\u2dff\ua640-\ua69f]"),
    re.compile(r"[\u0531-\u058f]"),
    re.compile(r"[\u13a0-\u13fd\uab70-\uabbf]"),
    re.compile(r"[\uff21-\uff3a\uff41-\uff5a]"),
    re.compile(r"[\U0001d400-\U0001d7ff]"),
)
"""Latin, Greek, Cyrillic, Armenian, Cherokee, fullwidth and mathematical letters. Many look alike."""


def _places(text: str) -> Iterator[tuple[Kind, Iterator[int]]]:
    yield "hidden", hidden_places(text, also=_KEPT)
    yield "long", (found.start() for found in _LONG.finditer(text))
    yield "blanks", (found.start() for found in _BLANKS.finditer(text))
    yield "empty", _gaps(text)
    if not text.isascii():
        yield "right-to-left", _right_to_left(text)
        yield "look-alikes", _mixed_words(text)


def _gaps(text: str) -> Iterator[int]:
    # Not with a lookahead in the pattern: it would take minutes on a text of nothing but line breaks.
    for found in _EMPTY.finditer(text):
        if _TEXT.search(text, found.end()) is not None:
            yield found.start() + 1


@cache
def _leftwards() -> re.Pattern[str]:
    return re.compile(f"[{character_class(RIGHT_TO_LEFT)}][^\n]*+")


def _right_to_left(text: str) -> Iterator[int]:
    return (found.start() for found in _leftwards().finditer(text))


def _mixed_words(text: str) -> Iterator[int]:
    for found in _WORD.finditer(text):
        word = found[0]
        if not word.isascii() and sum(each.search(word) is not None for each in _ALPHABETS) > 1:
            yield found.start()
