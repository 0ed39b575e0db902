"""Text from others, made safe to show: nothing in it stays invisible."""

import re
from collections.abc import Iterator
from functools import cache

from assent_contracts.unicode_14 import DRAWN, EMOJI, MARKS, character_class

MARKS_MAX = 4
"""Consecutive combining marks that are drawn. Languages need no more; a hundred cover the lines around
them."""


def visible(text: str, *, also: str = "") -> str:
    """The text, with characters that a screen would obey, hide or reorder as code points: `⟨U+3164⟩`.

    Text from others must not move the cursor or look like something else. `also`: characters to keep.
    """
    if text.isascii():
        return text if text.isprintable() else _UNPRINTABLE.sub(lambda found: _shown(found, also), text)
    return _hidden().sub(lambda found: _shown(found, also), text)


def hidden_places(text: str, *, also: str = "") -> Iterator[int]:
    """The indexes of the characters that `visible` shows as code points."""
    if text.isascii() and text.isprintable():
        return iter(())
    hidden = _UNPRINTABLE if text.isascii() else _hidden()
    return (found.start() for found in hidden.finditer(text) if found[0] not in also)


def hides_something(text: str, *, also: str = "") -> bool:
    """Whether `visible` shows a character of the text as a code point."""
    return next(hidden_places(text, also=also), None) is not None


def number_of(character: str) -> str:
    """The character as its code point: `⟨U+200B⟩`."""
    return f"⟨U+{ord(character):04X}⟩"


def _shown(found: re.Match[str], also: str) -> str:
    return found[0] if found[0] in also else number_of(found[0])


_UNPRINTABLE = re.compile(r"[^ -~]")


@cache
def _hidden() -> re.Pattern[str]:
    """One character that is shown as a code point. Compiled for the first text that is not ASCII."""
    marks = character_class(MARKS)
    after_emoji = rf"(?<![{character_class(EMOJI)}])[\ufe0e\ufe0f]"
    too_many = rf"(?<=[{marks}]{{{MARKS_MAX}}})[{marks}]"
    on_nothing = rf"(?:\A|(?<=[\s\x00-\x1f]))[{marks}]"
    undrawn = rf"[^{character_class(DRAWN)}\ufe0e\ufe0f]"
    return re.compile(f"{undrawn}|{after_emoji}|{too_many}|{on_nothing}")
