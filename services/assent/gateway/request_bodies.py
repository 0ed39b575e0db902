"""Request bodies: read once, as bytes, because a payload's digest covers the bytes that were sent."""

import asyncio
from collections.abc import Collection
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException

from assent.gateway.problems import Problem, malformed_problem
from assent_contracts.limits import COMMAND_MAX_BYTES

BODY_MAX_BYTES: Final = COMMAND_MAX_BYTES
TAKES: Final = "takes"
"""In a handler's `opt`: the type of the body that it reads by itself, for the OpenAPI document."""
_JSON: Final = ("application/json", "")
_OF_BYTES: Final = (*_JSON, "application/octet-stream", "text/plain")
"""What generated and plain clients declare for bytes that are not to be encoded again."""
BODY_WITHIN_S: Final = 10.0
"""A body that takes longer to arrive is refused."""

_B = TypeVar("_B", bound=msgspec.Struct)


async def read_body(request: Request[Any, Any, Any], kind: type[_B]) -> _B:
    """The JSON body as `kind`. Raises Problem: not-json, malformed, too-slow.

    Litestar refuses what is too large.
    """
    body = await read_json(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed_problem(str(error)[:500]) from error
    except ClientException as error:
        raise malformed_problem(error.detail) from error


async def read_json(request: Request[Any, Any, Any]) -> bytes:
    """The bytes of a body that is declared as JSON. Raises Problem: not-json, too-slow."""
    return await _declared(request, _JSON, "Send Content-Type: application/json.")


async def read_signed_bytes(request: Request[Any, Any, Any]) -> bytes:
    """The bytes of a body that its sender signed. Raises Problem: not-json, too-slow."""
    return await _declared(
        request, _OF_BYTES, "Send Content-Type: application/octet-stream, with the bytes that were signed."
    )


async def _declared(request: Request[Any, Any, Any], accepted: Collection[str], todo: str) -> bytes:
    content_type = request.content_type[0]
    if content_type not in accepted:
        raise Problem(415, "not-json", f"The body is {content_type[:100]!r}.", todo=todo)
    return await read_bytes(request)


async def read_bytes(request: Request[Any, Any, Any]) -> bytes:
    """The bytes of a body. Raises Problem: too-slow; Litestar refuses what is too large."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.body()
    except TimeoutError as error:
        raise Problem(
            408, "too-slow", f"The body did not arrive within {BODY_WITHIN_S:g} s.", todo="Send it again."
        ) from error
