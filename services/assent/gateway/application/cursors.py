"""Cursors as text: where a list goes on, for nobody to understand or to rely on."""

import base64
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from assent.gateway.problems import malformed

CURSOR_MAX_CHARS: Final = 200
BigInt = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""What a bigint of Postgres holds."""
Int = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]

_T = TypeVar("_T")


def cursor_text(place: tuple[Any, ...]) -> str:
    """A place as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def cursor_place(text: str, kind: type[_T]) -> _T:
    """The place of a cursor, `kind` being its tuple. Raises Problem: malformed."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise malformed("cursor is not one that a page has named as its next.") from error
