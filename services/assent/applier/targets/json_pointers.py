"""JSON pointers (RFC 6901). Pure."""

from typing import Any, Final

NOTHING: Final = object()
"""There is no value; None is a value (JSON's null)."""


def value_at(document: Any, pointer: str) -> Any:
    """The value at a pointer such as `/items/0/id`, or NOTHING. The pointer "" is the whole document."""
    found = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and _is_index(name) and int(name) < len(found):
            found = found[int(name)]
        else:
            return NOTHING
    return found


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 10
