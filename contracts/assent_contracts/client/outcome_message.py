"""An applier's message in the form that the ledger accepts. Pure."""

import unicodedata

from assent_contracts.limits import OUTCOME_MESSAGE_MAX_CHARS


def outcome_message(message: str) -> str:
    """The message without control characters except line breaks and tabs, cut to its limit."""
    clean = "".join(char if char in "\n\r\t" or _is_text(char) else " " for char in message)
    if len(clean) <= OUTCOME_MESSAGE_MAX_CHARS:
        return clean
    return clean[: OUTCOME_MESSAGE_MAX_CHARS - 1] + "…"


def _is_text(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cs")
