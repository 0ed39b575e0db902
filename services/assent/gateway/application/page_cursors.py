"""Cursors as text: where a list continues. Clients must treat them as opaque."""

import base64
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from assent.gateway.problems import malformed_problem

CURSOR_MAX_CHARS: Final = 200
BigInt = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""The range of a Postgres bigint."""
Int = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]

_T = TypeVar("_T")


def cursor_text(place: tuple[Any, ...]) -> str:
    """A place as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def cursor_place(text: str, kind: type[_T]) -> _T:
    """The place that a cursor contains; `kind` is its tuple type. Raises Problem: malformed."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise malformed_problem("cursor is not the `next` of a page.") from error
