"""Which characters a reader can see: ids hold no others, and a text shows the others by their numbers.

Every answer is the same on every Python: none depends on what a newer Unicode has added.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from assent_contracts.unicode_14 import DRAWN, character_class

_DRAWS_NOTHING_IN_ASCII: Final = "".join(map(chr, (*range(33), 127)))


@cache
def _not_drawn() -> re.Pattern[str]:
    # Compiled when the first text beyond ASCII comes: that takes some milliseconds.
    return re.compile(f"[^{character_class(DRAWN)}]")


def draws_all(text: str) -> bool:
    """Whether each character of `text` draws something, or is a space. A line break does not."""
    if text.isascii():
        return text.isprintable()
    return _not_drawn().search(text) is None


def draws_nothing(text: str) -> bool:
    """Whether `text` is empty, or nobody would see anything of it."""
    if text.isascii():
        return not text.strip(_DRAWS_NOTHING_IN_ASCII)
    return not _not_drawn().sub("", text).strip(" ")


def is_id_text(text: str) -> bool:
    """Whether `text` can be an id: no character that draws nothing, no space around it, and in NFC.

    NFC never changes for what Unicode 14 knows, so this answer does not either.
    """
    if text[:1] == " " or text[-1:] == " ":
        return False
    if text.isascii():
        return text.isprintable()
    return draws_all(text) and unicodedata.is_normalized("NFC", text)
