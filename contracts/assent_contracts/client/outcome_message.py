"""An applier's message and version in the form that the ledger accepts. Pure."""

import unicodedata

from msgspec import UNSET, UnsetType

from assent_contracts.form_refusals import is_identifier
from assent_contracts.limits import OUTCOME_MESSAGE_MAX_CHARS, VERSION_MAX_CHARS


def outcome_message(message: str) -> str:
    """The message without control characters except line breaks and tabs, cut to its limit."""
    clean = "".join(char if char in "\n\r\t" or _is_text(char) else " " for char in message)
    if len(clean) <= OUTCOME_MESSAGE_MAX_CHARS:
        return clean
    return clean[: OUTCOME_MESSAGE_MAX_CHARS - 1] + "…"


def outcome_version(version: str) -> str | UnsetType:
    """The version, or none if the ledger would refuse the report for it: what was done matters more."""
    return version if is_identifier(version, VERSION_MAX_CHARS) else UNSET


def _is_text(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cs")
