"""The content that a change gives an object, for targets that keep content as it is. Pure."""

import difflib
from collections.abc import Collection
from typing import Final

import msgspec

from assent_contracts.client.handler import FinalError
from assent_contracts.file_payloads import file_of_payload
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

DELETE: Final = "delete"
TEXT_TYPES: Final = ("script",)
"""The types whose payloads are files, unless the configuration names others."""
DIFFERENCE_MAX_LINES: Final = 2_000


def content_of(change: Change, file_types: Collection[str] = TEXT_TYPES) -> bytes | None:
    """The object's content after the change; None if it is deleted.

    Of `file_types` it is the file in the payload: the text of a JSON string, or the bytes in `$base64`. Of
    any other type it is the payload, byte for byte. Raises FinalError.
    """
    if change.operation == DELETE:
        return None
    payload = bytes(change.payload)
    if resource_type(change.resource) not in file_types:
        return payload
    content = file_of_payload(payload)
    if content is None:
        begins = payload[:1].decode("ascii", "replace")
        msg = (
            f"The payload of a {resource_type(change.resource)} must be one JSON string, its text; this one"
            f" begins with {begins!r}."
        )
        raise FinalError(msg)
    return content


def text_of(change: Change) -> str:
    """The text in a payload that is one JSON string. Raises FinalError."""
    try:
        return msgspec.json.decode(change.payload, type=str)
    except (msgspec.MsgspecError, UnicodeError) as error:
        msg = "The payload must be one JSON string."
        raise FinalError(msg) from error


def difference(before: bytes | None, after: bytes | None, name: str) -> str:
    """What would change in an object's content, as a unified diff, or its sizes if it is not text."""
    if before == after:
        return f"{name}: no change\n"
    try:
        old, new = ("" if each is None else each.decode() for each in (before, after))
    except UnicodeDecodeError:
        return f"{name}: {_size(before)} would become {_size(after)}\n"
    lines = difflib.unified_diff(
        old.splitlines(),
        new.splitlines(),
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
        lineterm="",
    )
    shown = [_printable(line) for _, line in zip(range(DIFFERENCE_MAX_LINES + 1), lines, strict=False)]
    if len(shown) > DIFFERENCE_MAX_LINES:
        shown[DIFFERENCE_MAX_LINES:] = [f"… and more: only {DIFFERENCE_MAX_LINES} lines are shown"]
    return "\n".join(shown or [f"{name}: only line ends would change"]) + "\n"


def _size(content: bytes | None) -> str:
    return "nothing" if content is None else f"{len(content)} bytes"


def _printable(line: str) -> str:
    """The line without characters that a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)
