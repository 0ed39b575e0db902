"""A payload as people read it: a text as it reads, anything else as JSON. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from assent.store.queries import AuditRow
from assent_contracts.client.open_requests import submitted_payload
from assent_contracts.topics import LEDGER

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


class ShownPayload(msgspec.Struct, frozen=True):
    """What to show of a payload.

    `text` is what the sender wrote, line ends and control characters included: `visible` shows those.
    `language` is a name that Pygments knows; `text` where the object's name says nothing.
    """

    kind: Literal["text", "json"]
    language: str
    text: str


def shown_payload(payload: bytes, resource: str) -> ShownPayload:
    """A submitted payload: a JSON string is a text, of the language that the object's name ends with.

    Anything else is JSON, indented: at the limits of the contracts about 17 MB, so cut it where it is shown.
    """
    if payload.startswith(b'"'):
        _, dot, suffix = resource.rpartition(".")
        language = _LANGUAGES.get(dot + suffix.lower(), "text")
        return ShownPayload("text", language, msgspec.json.decode(payload, type=str))
    text = msgspec.json.format(payload, indent=2).decode() if payload else ""
    return ShownPayload("json", "json", text)


def payload_of(records: Sequence[AuditRow]) -> bytes | None:
    """The payload that a request was submitted with, byte for byte, from the records of its timeline.

    None when the audit log does not have its submission yet.
    """
    submission = next((row.record for row in records if row.ledger == LEDGER), None)
    return None if submission is None else bytes(submitted_payload(submission))
