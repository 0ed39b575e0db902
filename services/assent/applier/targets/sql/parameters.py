"""The values that a statement gets from a change. They are sent apart from the SQL, never pasted into it.
Pure.
"""

from decimal import Decimal
from typing import Any, Final

from assent.applier.targets.exact_json import NumberError, decode_exactly, encode_exactly
from assent.applier.targets.json_pointers import NOTHING, value_at
from assent.applier.targets.sql.table import Statement
from assent_contracts.client.handler import FinalError
from assent_contracts.file_payloads import file_of_payload
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

_INT8: Final = range(-(1 << 63), 1 << 63)


def statement_for(change: Change, statements: tuple[Statement, ...]) -> Statement:
    """The first statement that is for this change. Raises FinalError."""
    kind = resource_type(change.resource)
    for each in statements:
        if (each.types is None or kind in each.types) and (
            each.operations is None or change.operation in each.operations
        ):
            return each
    msg = f"Nothing was changed: no statement is configured for the operation {change.operation} of a {kind}."
    raise FinalError(msg)


def parameters_of(change: Change, statement: Statement) -> list[Any]:
    """The values of `$1`, `$2` …: text, whole numbers, decimals, booleans, None. An object or array is JSON
    text.

    Raises FinalError.
    """
    payload: Any = NOTHING
    values: list[Any] = []
    for name in statement.parameters:
        if name == "" or name.startswith("/"):
            if payload is NOTHING:
                payload = _decoded(change)
            values.append(_value(payload, name))
        else:
            values.append(_named(change, name))
    return values


def _decoded(change: Change) -> Any:
    try:
        return decode_exactly(change.payload)
    except NumberError as error:
        msg = f"Nothing was changed: {error}."
        raise FinalError(msg) from error


def _named(change: Change, name: str) -> str | bytes:
    match name:
        case "id":
            return change.resource.partition("/")[2]
        case "type":
            return resource_type(change.resource)
        case "payload":
            return bytes(change.payload).decode()
        case "file":
            content = file_of_payload(bytes(change.payload))
            if content is None:
                msg = "Nothing was changed: the payload is not a file, which is one JSON string or $base64."
                raise FinalError(msg)
            return content.decode() if bytes(change.payload).startswith(b'"') else content
        case _:
            return getattr(change, name)


def _value(payload: Any, pointer: str) -> Any:
    found = value_at(payload, pointer)
    if found is NOTHING:
        msg = f"Nothing was changed: the payload has nothing at {pointer!r}."
        raise FinalError(msg)
    if isinstance(found, dict | list):
        return encode_exactly(found)
    if isinstance(found, int) and found not in _INT8:
        return Decimal(found)
    return found
