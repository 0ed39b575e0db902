"""JSON whose numbers keep every digit. Pure."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec


class NumberError(ValueError):
    """A number in the JSON is beyond every use."""


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        msg = "a number in the payload is too large"
        raise NumberError(msg) from error


_decode: Final = msgspec.json.Decoder(float_hook=_decimal).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def decode_exactly(text: bytes | msgspec.Raw) -> Any:
    """The JSON value. A number that is not a whole one is a Decimal. Raises msgspec.DecodeError,
    NumberError.
    """
    return _decode(text)


def encode_exactly(value: Any) -> str:
    """The value as JSON, on one line. Raises TypeError, ValueError."""
    return _encode(value).decode()
