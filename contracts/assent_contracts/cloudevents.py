"""CloudEvents over Kafka, binary mode: the value is the JSON body, the attributes are headers."""

from datetime import UTC, datetime
from typing import Final

CONTENT_TYPE: Final = b"application/json"
ID: Final = "ce_id"
TYPE: Final = "ce_type"


def headers(*, event_type: str, event_id: str, source: str, at_ms: int) -> list[tuple[str, bytes]]:
    """The CloudEvents headers of one message; `at_ms` is milliseconds since 1970 in UTC."""
    time = datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    return [
        ("ce_specversion", b"1.0"),
        (ID, event_id.encode()),
        (TYPE, event_type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", time.replace("+00:00", "Z").encode()),
        ("content-type", CONTENT_TYPE),
    ]
