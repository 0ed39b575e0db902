"""A payload for people: text as it is, anything else as JSON. Pure."""

import codecs
from typing import Final, Literal

import msgspec

from assent_contracts.digests import sha256_hex
from assent_contracts.file_payloads import file_of_payload

_BY_NUMBER: Final = "assent.by-number"
_TEXT_BYTES: Final = b"\t\n\r" + bytes(range(0x20, 0x7F))
_TEXT_SHARE: Final = 4
"""A file is shown in hex if more than one in this many bytes is not ASCII text."""
_LANGUAGES: Final = {
    ".bat": "bat",
    ".js": "javascript",
    ".json": "json",
    ".ps1": "powershell",
    ".py": "python",
    ".reg": "registry",
    ".sh": "sh",
    ".sql": "sql",
    ".toml": "toml",
    ".xml": "xml",
    ".yaml": "yaml",
    ".yml": "yaml",
}


class ShownFile(msgspec.Struct, frozen=True):
    """The file that a payload contains."""

    size: int
    """In bytes."""
    sha256: str
    is_text: bool
    """Whether it is UTF-8. The bytes of other files are shown as their values, or in hex."""


class ShownPayload(msgspec.Struct, frozen=True):
    """How to show a payload.

    `text` is what the sender wrote, including line ends and control characters; `visible` reveals those.
    `language` is a name that Pygments knows, or `text` if the object's name has no known suffix.
    """

    kind: Literal["text", "json", "bytes"]
    language: str
    text: str
    file: ShownFile | None = None


def shown_payload(payload: bytes, resource: str) -> ShownPayload:
    """A submitted payload. A JSON string is text, in the language that the object's suffix indicates.

    Anything else is indented JSON. At the limits of the contracts that is about 17 MB, so truncate it for
    display.
    """
    content = file_of_payload(payload)
    if content is None:
        text = msgspec.json.format(payload, indent=2).decode() if payload else ""
        return ShownPayload("json", "json", text)
    is_text = payload.startswith(b'"')
    file = ShownFile(len(content), sha256_hex(content), is_text)
    if is_text:
        _, dot, suffix = resource.rpartition(".")
        language = _LANGUAGES.get(dot + suffix.lower(), "text")
        return ShownPayload("text", language, content.decode(), file)
    return ShownPayload("bytes", "text", _text_of_bytes(content), file)


def _text_of_bytes(content: bytes) -> str:
    """Bytes that are not UTF-8: as text, with undecodable bytes as `⟨0xE9⟩`, or in hex if few are text."""
    strange = len(content.translate(None, _TEXT_BYTES))
    if strange * _TEXT_SHARE > len(content):
        return "\n".join(
            f"{at:08x}  {content[at : at + 16].hex(' '):47}  {_letters(content[at : at + 16])}"
            for at in range(0, len(content), 16)
        )
    return content.decode("utf-8", errors=_BY_NUMBER)


def _letters(content: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in content)


def _by_number(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return "".join(f"⟨0x{byte:02X}⟩" for byte in wrong), error.end


codecs.register_error(_BY_NUMBER, _by_number)
