"""Parts of the documents that mappings read."""

from typing import Final

import msgspec

from assent.upstream.raw_json import is_json
from assent_contracts.file_payloads import payload_of_file
from assent_contracts.limits import PAYLOAD_MAX_BYTES

CONTENT_MAX_BYTES: Final = PAYLOAD_MAX_BYTES
"""No larger content could be a payload."""


def text(value: str | None) -> bytes:
    """A text as JSON; null for None."""
    return msgspec.json.encode(value)


def content_members(content: bytes) -> dict[str, bytes]:
    """`content`, the file as a payload has it, and `json`, what it contains if it is JSON."""
    members = {"content": payload_of_file(content)}
    if is_json(content):
        members["json"] = content.strip()
    return members


def json_or_text(content: bytes) -> bytes:
    """JSON as it is; anything else as a text or in base64, so that people see what came."""
    return content.strip() if is_json(content) else payload_of_file(content)
