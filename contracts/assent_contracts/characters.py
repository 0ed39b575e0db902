"""Which characters are visible. Ids contain no others, and texts show the others by their numbers.

The answers are the same in every version of Python: none depends on what a newer Unicode version added.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from assent_contracts.unicode_14 import DRAWN, character_class

_DRAWS_NOTHING_IN_ASCII: Final = "".join(map(chr, (*range(33), 127)))


@cache
def _not_drawn() -> re.Pattern[str]:
    # Compiled at the first text that is not ASCII, because this takes some milliseconds.
    return re.compile(f"[^{character_class(DRAWN)}]")


def draws_all(text: str) -> bool:
    """Whether each character of `text` is visible or a space. A line break is neither."""
    if text.isascii():
        return text.isprintable()
    return _not_drawn().search(text) is None


def draws_nothing(text: str) -> bool:
    """Whether `text` is empty or has no visible character."""
    if text.isascii():
        return not text.strip(_DRAWS_NOTHING_IN_ASCII)
    return not _not_drawn().sub("", text).strip(" ")


def is_id_text(text: str) -> bool:
    """Whether `text` can be an id: no invisible character, no space around it, and in NFC.

    NFC never changes for the characters of Unicode 14, so this answer does not change either.
    """
    if text[:1] == " " or text[-1:] == " ":
        return False
    if text.isascii():
        return text.isprintable()
    return draws_all(text) and unicodedata.is_normalized("NFC", text)
