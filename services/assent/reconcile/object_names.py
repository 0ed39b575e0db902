"""The object of a file that an applier keeps: the inverse of `file_names`. Pure."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from assent_contracts.resources import is_resource


def object_of_file(path: str, path_of: Callable[[str], str]) -> str | None:
    """The object `<type>/<id>` of a file at this path below the target's folder; None if it is of none.

    `path_of`: where an applier keeps an object's file. A file at a path that no applier would choose is an
    object with that path as its name, so that it hides no other one.
    """
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None
    if is_resource(decoded) and path_of(decoded) == path:
        return decoded
    return path if is_resource(path) else None
