"""The JSON Schema of every message, from its msgspec type."""

import inspect
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from assent_contracts.commands import Command, SubmitChange
from assent_contracts.events import Event
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_messages import GovernanceCommand, GovernanceEvent
from assent_contracts.heads import SignedHead
from assent_contracts.ledger import DecisionRecord, OmittedCommand, RecordedCommand
from assent_contracts.limits import RESOURCE_ID_MAX_CHARS
from assent_contracts.refusals import Refusal
from assent_contracts.released_change import Change
from assent_contracts.snapshots import SnapshotManifest
from assent_contracts.unicode_14 import DRAWN

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PARTS: Final = ("command", "events", "refusal")


def members(union: object) -> tuple[type[Struct], ...]:
    """The types of a union of structs."""
    return cast("tuple[type[Struct], ...]", union.__args__)  # type: ignore[attr-defined]


def message_type(message: type[Struct]) -> str:
    """The versioned type of a message: its tag."""
    tag = message.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def schema_file_name(message: type[Struct]) -> str:
    """`submit-change.v1.json` for the message `assent.submit-change.v1`."""
    return f"{message_type(message).removeprefix('assent.')}.json"


def all_schemas() -> dict[str, Schema]:
    """File name to schema, for every message."""
    schemas = {
        schema_file_name(message): _schema_of(message)
        for message in (*members(Command), *members(GovernanceCommand), *members(GovernanceChange), Change)
    }
    schemas["resource-id.json"] = _resource_id()
    schemas["signed-head.json"] = _schema_of(SignedHead)
    schemas["snapshot-manifest.json"] = _schema_of(SnapshotManifest)
    schemas["refusal.json"] = _schema_of(Refusal)
    schemas["events.json"] = _schema_of(Event, title="Event")
    schemas["governance-events.json"] = _schema_of(GovernanceEvent, title="GovernanceEvent")
    schemas["ledger-record.json"] = _record_schema("LedgerRecord", Command, Event)
    # A record that carries out a release embeds the submission of its request.
    embedded = GovernanceCommand | SubmitChange
    schemas["governance-record.json"] = _record_schema("GovernanceRecord", embedded, GovernanceEvent)
    return schemas


def _resource_id() -> Schema:
    return {
        "$schema": _DIALECT,
        "title": "ResourceId",
        "description": (
            "The id in `<type>/<id>`: in NFC, made of the code points in x-code-points, without U+0020"
            " around it. They are the visible characters of Unicode 14, as ranges in hex. Lengths are in"
            " code points."
        ),
        "type": "string",
        "minLength": 1,
        "maxLength": RESOURCE_ID_MAX_CHARS,
        "x-code-points": DRAWN.split(),
    }


def _schema_of(message: Any, *, title: str | None = None) -> Schema:
    [top], definitions = _components(message)
    if title is not None:
        return _document({"title": title, **top}, definitions)
    return _document(definitions.pop(top["$ref"].rpartition("/")[2]), definitions)


def _record_schema(title: str, commands: object, events: object) -> Schema:
    # The record's type takes the events of either ledger, and msgspec cannot describe a union of structs
    # without tags. So the parts are described one by one and joined here.
    plain = msgspec.defstruct(
        title,
        [
            (field.name, field.type, msgspec.field(default=field.default))
            for field in msgspec.structs.fields(DecisionRecord)
            if field.name not in _PARTS
        ],
        kw_only=True,
    )
    parts = (plain, commands, events, RecordedCommand, OmittedCommand, Refusal)
    [_, command, event, recorded, unreadable, refusal], definitions = _components(*parts)
    definitions["RecordedCommand"]["properties"]["value"] = {
        "description": "The command's bytes as received.",
        **command,
    }
    top = definitions.pop(title)
    top["description"] = inspect.getdoc(DecisionRecord)
    top["properties"] |= {
        "command": {
            "description": "Absent if the writer acted by itself.",
            "anyOf": [recorded, unreadable],
        },
        "events": {"type": "array", "items": event},
        "refusal": refusal,
    }
    top["oneOf"] = [{"required": ["events"]}, {"required": ["refusal"]}]
    return _document(top, definitions)


def _components(*types: Any) -> tuple[list[Schema], dict[str, Schema]]:
    tops, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return _without_discriminators(list(tops)), _without_discriminators(definitions)


def _without_discriminators(part: Any) -> Any:
    """The same without OpenAPI's discriminators.

    JSON Schema has no such keyword, and AsyncAPI has another one of this name, which must be a string. Each
    member of a union requires its own `type`, so nothing is lost.
    """
    if isinstance(part, dict):
        schema = cast("Schema", part)
        # Only beside `anyOf` is it the keyword; elsewhere it could be a field of this name.
        return {
            key: _without_discriminators(value)
            for key, value in schema.items()
            if not (key == "discriminator" and "anyOf" in schema)
        }
    if isinstance(part, list):
        return [_without_discriminators(each) for each in cast("list[Any]", part)]
    return part


def _document(top: Schema, definitions: dict[str, Schema]) -> Schema:
    return {"$schema": _DIALECT, **top, **({"$defs": definitions} if definitions else {})}
