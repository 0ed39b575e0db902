"""The object of a file that an applier keeps: the inverse of `file_names`. Pure."""

import hashlib
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from assent_contracts.limits import RESOURCE_ID_MAX_CHARS
from assent_contracts.resources import is_resource, is_type_name

_LONG: Final = "~"


def object_of_file(path: str, path_of: Callable[[str], str]) -> str | None:
    """The object `<type>/<id>` of a file at this path below the target's folder; None if it is of no type.

    `path_of`: where an applier keeps an object's file. A file at a path that no applier would choose is an
    object with that path as its name, percent-encoded if it cannot be one: no file is left out because of
    its name. So several files can have one object. `several` tells them from the one that was applied.
    """
    raw = path.encode(errors="surrogateescape")
    try:
        decoded = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        decoded = ""
    if is_resource(decoded) and path_of(decoded) == path:
        return decoded
    if is_resource(path):
        return path
    kind, _, name = raw.partition(b"/")
    return _encoded(kind.decode(errors="replace"), name) if name else None


def several(versions: tuple[str | None, str | None]) -> str:
    """The version of two files of one object. It is none that a request makes."""
    return f"several:{hashlib.sha256(repr(versions).encode()).hexdigest()}"


def _encoded(kind: str, name: bytes) -> str | None:
    if not is_type_name(kind):
        return None
    encoded = quote_from_bytes(name, safe="")
    if len(encoded) > RESOURCE_ID_MAX_CHARS:
        hashed = _LONG + hashlib.sha256(name).hexdigest()
        encoded = encoded[: RESOURCE_ID_MAX_CHARS - len(hashed)] + hashed
    return f"{kind}/{encoded}"
