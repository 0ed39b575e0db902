"""JSON pointers (RFC 6901) into JSON whose values keep their exact bytes. Pure.

A payload's digest covers its bytes, so a value is cut out of a document and never written again.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

POINTER_MAX_CHARS: Final = 512
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


class PointerError(ValueError):
    """A text is not a JSON pointer. The message names it."""


@lru_cache(maxsize=1_024)
def parse_pointer(text: str) -> tuple[str, ...]:
    """The steps of a pointer; none for the empty one, which is the whole document. Raises PointerError."""
    if len(text) > POINTER_MAX_CHARS or (text and not text.startswith("/")):
        raise PointerError(f"{text[:80]!r} is not a JSON pointer: it begins with a slash (RFC 6901).")
    if re.search(r"~(?![01])", text):
        raise PointerError(f"{text[:80]!r} is not a JSON pointer: write ~ as ~0 and / in a name as ~1.")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def value_at(document: bytes, pointer: str) -> bytes | None:
    """The bytes of the value at a pointer; None if there is none, or null. Raises PointerError.

    `document`: well-formed JSON.
    """
    found: bytes = document
    for step in parse_pointer(pointer):
        following = _step(found, step)
        if following is None:
            return None
        found = following
    return None if found.strip() == b"null" else found.strip()


def _step(value: bytes, step: str) -> bytes | None:
    match value.lstrip()[:1]:
        case b"{":
            member = _members(value).get(step)
            return None if member is None else bytes(member)
        case b"[":
            items = _items(value)
            there = _INDEX.fullmatch(step) is not None and int(step) < len(items)
            return bytes(items[int(step)]) if there else None
        case _:
            return None


def text_of(value: bytes) -> str | None:
    """A string's text, a number as it is written, true or false; None for an object or an array."""
    match value[:1]:
        case b'"':
            return _text(value)
        case b"{" | b"[":
            return None
        case _:
            return value.decode()


def json_object(members: dict[str, bytes]) -> bytes:
    """An object of members whose values are JSON already."""
    return b"{" + b",".join(_encode(name) + b":" + value for name, value in members.items()) + b"}"


def json_array(items: list[bytes]) -> bytes:
    """An array of values that are JSON already."""
    return b"[" + b",".join(items) + b"]"


def without_member(document: bytes, name: str) -> bytes:
    """An object without one of its members. All others keep their bytes."""
    members = _members(document)
    return json_object({each: bytes(value) for each, value in members.items() if each != name})


def is_json(data: bytes) -> bool:
    """Whether this is one JSON value in UTF-8."""
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
