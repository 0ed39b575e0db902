"""The events in a topic's records: plain JSON, CloudEvents and Debezium's envelopes. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from assent.upstream.raw_json import is_json, json_object, text_of, value_at
from assent.upstream.source_settings import KafkaSource
from assent.upstream.stored_documents import CONTENT_MAX_BYTES, json_or_text, text

_STRUCTURED: Final = "application/cloudevents+json"
_BATCH: Final = "application/cloudevents-batch+json"
_ID_MAX_CHARS: Final = 400
_UNAVAILABLE: Final = b"__debezium_unavailable_value"
_OPERATIONS: Final = {"c": "create", "u": "edit", "d": "delete", "r": "create"}
_VALUE_MAX_BYTES: Final = 2 * 1024 * 1024


class TopicRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record, as Kafka has it."""

    place: str
    """`topic/partition/offset/time`: no other record ever has the same, not even of a recreated topic."""
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class TopicEvent(msgspec.Struct, frozen=True):
    """An event to be mapped."""

    id: str
    document: bytes


class UnusableRecordError(Exception):
    """The record is not what the source expects; the message says why."""


def event_of(source: KafkaSource, record: TopicRecord) -> TopicEvent | None:
    """The event in a record; None if it has none. Raises UnusableRecordError."""
    if record.value is not None and len(record.value) > _VALUE_MAX_BYTES:
        raise UnusableRecordError(f"The value is larger than {_VALUE_MAX_BYTES:,} bytes.")
    match source.format:
        case "json":
            return _json(record)
        case "cloudevents":
            return _cloudevent(record)
        case "debezium":
            return _debezium(record, snapshots=source.snapshots)


def raw_document(record: TopicRecord) -> bytes:
    """What is kept of a record that has no event."""
    value = b"" if record.value is None else record.value[:CONTENT_MAX_BYTES]
    return json_object({"key": _key(record), "value": json_or_text(value)})


def _key(record: TopicRecord) -> bytes:
    return b"null" if record.key is None else json_or_text(record.key[:CONTENT_MAX_BYTES])


def _json(record: TopicRecord) -> TopicEvent | None:
    if record.value is None:
        return None
    if not is_json(record.value):
        raise UnusableRecordError("The value is not JSON.")
    headers = {name: text(_header(record, name)) for name in record.headers}
    document = {"key": _key(record), "value": record.value.strip(), "headers": json_object(headers)}
    return TopicEvent(record.place, json_object(document))


def _cloudevent(record: TopicRecord) -> TopicEvent:
    content_type = _header(record, "content-type").partition(";")[0].strip().lower()
    if content_type == _BATCH:
        raise UnusableRecordError("It is a batch: send each event in a record of its own.")
    members = _structured(record) if content_type == _STRUCTURED else _binary(record)
    names = {name: text_of(members.get(name, b'""')) for name in ("specversion", "id", "source", "type")}
    for name, value in names.items():
        if not value:
            raise UnusableRecordError(f"The CloudEvent has no {name}.")
    if names["specversion"] != "1.0":
        raise UnusableRecordError("The CloudEvent is not of version 1.0.")
    return TopicEvent(
        _bounded(f"{names['source']} {names['id']}"), json_object({**members, "key": _key(record)})
    )


def _structured(record: TopicRecord) -> dict[str, bytes]:
    try:
        members = msgspec.json.decode(record.value or b"", type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnusableRecordError("The value is not a structured CloudEvent.") from error
    found = {name: bytes(value) for name, value in members.items()}
    if "data_base64" in found and "data" not in found:
        found["data"] = json_object({"$base64": found.pop("data_base64")})
    return found


def _binary(record: TopicRecord) -> dict[str, bytes]:
    found = {
        name.removeprefix("ce_"): text(_header(record, name))
        for name in record.headers
        if name.startswith("ce_")
    }
    found["data"] = b"null" if record.value is None else json_or_text(record.value)
    return found


def _debezium(record: TopicRecord, *, snapshots: bool) -> TopicEvent | None:
    if record.value is None:
        # It follows a delete, for compaction.
        return None
    if not is_json(record.value):
        raise UnusableRecordError("The value is not JSON.")
    envelope = value_at(record.value, "/payload") or record.value.strip()
    raw_op = value_at(envelope, "/op")
    op = None if raw_op is None else text_of(raw_op)
    if op == "m" or (op == "r" and not snapshots):
        return None
    if op not in _OPERATIONS:
        raise UnusableRecordError(f"The operation {str(op)[:20]!r} is none of create, update and delete.")
    source = value_at(envelope, "/source")
    if source is None:
        raise UnusableRecordError("The envelope has no source.")
    before, after = (value_at(envelope, pointer) or b"null" for pointer in ("/before", "/after"))
    if _UNAVAILABLE in after:
        raise UnusableRecordError(
            "A large column has not changed, so its value is not here. Set the table's REPLICA IDENTITY to"
            " FULL."
        )
    key = value_at(_key(record), "/payload") or _key(record)
    members = {
        "operation": text(_OPERATIONS[op]),
        "op": text(op),
        "key": key,
        "before": before,
        "after": after,
        "source": source,
    }
    # A connector that restarts sends again. Its position in the database is the same then, its time is not.
    digest = hashlib.sha256(b"\0".join((source, text(op), key, after))).hexdigest()
    return TopicEvent(digest, json_object(members))


def _header(record: TopicRecord, name: str) -> str:
    value = record.headers.get(name, b"")
    return value.decode(errors="replace")


def _bounded(event_id: str) -> str:
    if len(event_id) <= _ID_MAX_CHARS and event_id.isprintable():
        return event_id
    return hashlib.sha256(event_id.encode(errors="replace")).hexdigest()
