"""Files as payloads, byte for byte, and back.

A UTF-8 file is a JSON string. Any other file is an object with one member, `$base64`: its bytes in base64
with padding (RFC 4648, section 4).
"""

import base64
import binascii
from typing import Final

import msgspec

BASE64: Final = "$base64"
_MEMBER: Final = b'"$base64"'


class _Base64(msgspec.Struct, forbid_unknown_fields=True):
    data: str = msgspec.field(name=BASE64)


_decode_text = msgspec.json.Decoder(str).decode
_decode_base64 = msgspec.json.Decoder(_Base64).decode
_encode = msgspec.json.Encoder().encode


def payload_of_file(content: bytes) -> bytes:
    """The payload that contains these bytes, text or not."""
    try:
        return _encode(content.decode())
    except UnicodeDecodeError:
        return _encode(_Base64(base64.b64encode(content).decode()))


def file_of_payload(payload: bytes) -> bytes | None:
    """The bytes of the file in a payload; None if the payload is another JSON value."""
    try:
        if payload.startswith(b'"'):
            return _decode_text(payload).encode()
        if payload.startswith(b"{") and _MEMBER in payload[:64]:
            return base64.b64decode(_decode_base64(payload).data, validate=True)
    except (msgspec.MsgspecError, UnicodeError, binascii.Error, ValueError):
        return None
    return None
