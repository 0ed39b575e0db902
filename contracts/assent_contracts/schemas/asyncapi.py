"""The AsyncAPI document: the seven topics with their keys, headers and messages."""

from typing import Any, Final

from msgspec import Struct

from assent_contracts import seal, signing, topics
from assent_contracts.commands import Command
from assent_contracts.governance_messages import GOVERNANCE_KEY, GovernanceCommand
from assent_contracts.released_change import POSITION_HEADER, Change
from assent_contracts.schemas.messages import Schema, members, message_type, schema_file_name
from assent_contracts.snapshots import MANIFEST_KEY

_FOLDER: Final = "."
_KEY_OF_OBJECT: Final = "the object, <type>/<id>, in UTF-8; hashed with Kafka's murmur2 partitioner."
_CLOUD_EVENT: Final = {
    "ce_specversion": ("1.0", True),
    "ce_id": ("The message's id.", True),
    "ce_type": ("The message's type with its version.", True),
    "ce_source": ("The sender, as a URI.", True),
    "ce_time": ("RFC 3339, in UTC.", False),
    "content-type": ("application/json", False),
}
_SIGNED: Final = {
    signing.KEY_HEADER: ("The id of the key that signed, as registered in governance.", True),
    signing.SIGNATURE_HEADER: ("Ed25519 over the value's hash, base64url without padding.", True),
}
_SEALED: Final = {
    seal.WRITER_HEADER: ("On the last record of a batch: the id of the writer's key.", False),
    seal.SEAL_HEADER: ("On the last record of a batch: its seal, base64url without padding.", False),
}
_HEAD_SIGNED: Final = {
    seal.WRITER_HEADER: ("The id of the writer's key.", True),
    seal.SEAL_HEADER: ("Ed25519 over the value's hash, base64url without padding.", True),
}
_POSITION: Final = {POSITION_HEADER: ("The ledger seq of the release, decimal.", True)}


def document() -> dict[str, Any]:
    """The whole document. Its schemas are references to the files beside it."""
    commands = {_name(each): _message(each, _CLOUD_EVENT | _SIGNED) for each in members(Command)}
    governance = {_name(each): _message(each, _CLOUD_EVENT | _SIGNED) for each in members(GovernanceCommand)}
    records = {
        "LedgerRecord": _record("ledger-record.json", "One decision on a request."),
        "GovernanceRecord": _record("governance-record.json", "One decision on governance."),
    }
    change = {"Change": _message(Change, _CLOUD_EVENT | _POSITION)}
    head = {
        "SignedHead": {
            "summary": "How far one ledger partition goes.",
            **_body(_HEAD_SIGNED, "signed-head.json"),
        }
    }
    snapshot = {
        "SnapshotManifest": {
            "summary": "One snapshot of a request partition, after its pieces.",
            **_body(_HEAD_SIGNED, "snapshot-manifest.json"),
        }
    }
    one_key = f"{GOVERNANCE_KEY.decode()}, for all records: there is one partition."
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Assent",
            "version": "1.0.0",
            "description": "Multi-admin approval: commands in, decisions and released changes out.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "commands": _channel(topics.COMMANDS, "Signed commands.", _KEY_OF_OBJECT, commands),
            "ledger": _channel(
                topics.LEDGER, "Decisions, chained and sealed.", _KEY_OF_OBJECT, ["LedgerRecord"]
            ),
            "governanceCommands": _channel(
                topics.GOVERNANCE_COMMANDS, "Signed commands to change governance.", one_key, governance
            ),
            "governance": _channel(
                topics.GOVERNANCE,
                "Decisions on governance, chained and sealed.",
                one_key,
                ["GovernanceRecord"],
            ),
            "changes": _channel(topics.CHANGES, "Released changes, for appliers.", _KEY_OF_OBJECT, change),
            "heads": _channel(
                topics.HEADS,
                "How far each ledger partition goes.",
                "the ledger and the partition, such as ledger/3. The newest record of each key is kept.",
                head,
            ),
            "snapshots": _channel(
                topics.SNAPSHOTS,
                "What a ledger partition leads to. The pieces of a snapshot are bytes, under its id.",
                f"{MANIFEST_KEY.decode()}.",
                snapshot,
            ),
        },
        "operations": {
            "takeCommands": _operation("receive", "commands"),
            "takeGovernanceCommands": _operation("receive", "governanceCommands"),
            "recordDecisions": _operation("send", "ledger"),
            "recordGovernance": _operation("send", "governance"),
            "releaseChanges": _operation("send", "changes"),
            "signHeads": _operation("send", "heads"),
            "takeSnapshots": _operation("send", "snapshots"),
        },
        "components": {"messages": commands | governance | records | change | head | snapshot},
    }


def _name(message: type[Struct]) -> str:
    return message.__name__


def _channel(address: str, description: str, key: str, messages: Any) -> Schema:
    return {
        "address": address,
        "description": f"{description} Key: {key}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operation(action: str, channel: str) -> Schema:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _message(message: type[Struct], headers: dict[str, tuple[str, bool]]) -> Schema:
    doc = message.__doc__ or ""
    return {
        "name": message_type(message),
        "summary": doc.split("\n", maxsplit=1)[0],
        **_body(headers, schema_file_name(message)),
    }


def _record(schema: str, summary: str) -> Schema:
    return {"summary": summary, **_body(_SEALED, schema)}


def _body(headers: dict[str, tuple[str, bool]], schema: str) -> Schema:
    required = [name for name, (_, needed) in headers.items() if needed]
    return {
        "headers": {
            "type": "object",
            **({"required": required} if required else {}),
            "properties": {
                name: {"type": "string", "description": description}
                for name, (description, _) in headers.items()
            },
        },
        "payload": {"$ref": f"{_FOLDER}/{schema}"},
        "bindings": {"kafka": {"key": {"type": "string"}}},
    }
