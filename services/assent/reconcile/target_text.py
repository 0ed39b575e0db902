"""What a target states, made fit for a report: bounded, and without characters that a reader would obey."""

import hashlib
from typing import Final

from assent_contracts import limits
from assent_contracts.characters import draws_nothing
from assent_contracts.form_refusals import is_identifier
from assent_contracts.resources import has_control_characters

_HASHED: Final = "sha256:"


def version_text(text: str) -> str:
    """A version as a report can have it. What is too long or not printable ASCII is replaced by its hash."""
    if is_identifier(text, limits.VERSION_MAX_CHARS) and not text.startswith(_HASHED):
        return text
    return _HASHED + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def name_text(text: str | None) -> str | None:
    """A name as a report can have it: one line, cut to its limit; None if nothing is left."""
    if text is None:
        return None
    kept = "".join(
        " " if has_control_characters(char) else char
        for char in text.encode(errors="replace").decode()[: limits.FINDING_BY_MAX_CHARS]
    ).strip()
    return None if not kept or draws_nothing(kept) else kept
