"""The refusals of a message's form, and the checks that more than one part of a message needs."""

from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import has_control_characters

_TEXT_CONTROLS = "\n\r\t"


def malformed(detail: str) -> Refusal:
    """The refusal of a message that is not well-formed."""
    return Refusal(code=RefusalCode.MALFORMED, detail=detail)


def too_large(name: str, size: int | None, limit: int, unit: str) -> Refusal:
    """The refusal of something over its limit."""
    has = f"has too many {unit}:" if size is None else f"has {size:,} {unit};"
    return Refusal(code=RefusalCode.TOO_LARGE, detail=f"{name} {has} at most {limit:,} {unit} are taken.")


def bad_text(name: str, text: str, max_chars: int) -> Refusal | None:
    """The refusal of a text for people that is too long, or has control characters; None if it is good."""
    if len(text) > max_chars:
        return too_large(name, len(text), max_chars, "characters")
    if has_control_characters(text, _TEXT_CONTROLS):
        return malformed(f"{name} has a control character.")
    return None


def is_identifier(text: str, max_chars: int) -> bool:
    """Whether `text` is 1 to `max_chars` printable ASCII characters without spaces."""
    return 0 < len(text) <= max_chars and text.isascii() and text.isprintable() and " " not in text


def identifier_refusal(name: str, text: str, max_chars: int) -> Refusal:
    """Why `text` is not an identifier."""
    if len(text) > max_chars:
        return too_large(name, len(text), max_chars, "characters")
    return malformed(f"{name} is not 1 to {max_chars} printable ASCII characters without spaces.")
