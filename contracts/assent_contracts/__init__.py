"""Assent's messages, ledger format and verification rules: what every program that talks to it needs.

Needs msgspec only. The clients, which need Kafka and Ed25519 libraries, are in `assent_contracts.client`.
"""

from assent_contracts.acceptance import Acceptance, Accepted, Head, Headers, VerifySeal
from assent_contracts.changes import POSITION_HEADER, Change, decode_change
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import (
    Approve,
    Cancel,
    Claim,
    Command,
    Complete,
    Reject,
    ReportOutcome,
    Revoke,
    SubmitChange,
    command_type,
)
from assent_contracts.digests import from_base64url, sha256_hex, to_base64url
from assent_contracts.events import Event, RequestEvent, Status
from assent_contracts.governance import GovernanceCommand, GovernanceEvent
from assent_contracts.ledger import (
    GENESIS_PREV,
    DecisionRecord,
    LedgerRecord,
    RecordedCommand,
    UnreadableCommand,
    decode_events,
    decode_governance_events,
    decode_record,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.partitioner import murmur2, partition_for
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode
from assent_contracts.resources import is_resource, parse_request_id, request_id, resource_type
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER, seal_message
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER, command_message
from assent_contracts.writers import WriterKeys, WriterRegistry

__all__ = [
    "GENESIS_PREV",
    "KEY_HEADER",
    "POSITION_HEADER",
    "SEAL_HEADER",
    "SIGNATURE_HEADER",
    "WHAT_TO_DO",
    "WRITER_HEADER",
    "Acceptance",
    "Accepted",
    "Approve",
    "Cancel",
    "Change",
    "Claim",
    "Command",
    "Complete",
    "DecisionRecord",
    "Event",
    "GovernanceCommand",
    "GovernanceEvent",
    "Head",
    "Headers",
    "LedgerRecord",
    "RecordedCommand",
    "Refusal",
    "RefusalCode",
    "Reject",
    "ReportOutcome",
    "RequestEvent",
    "Revoke",
    "Status",
    "SubmitChange",
    "UnreadableCommand",
    "VerifySeal",
    "WriterKeys",
    "WriterRegistry",
    "command_message",
    "command_type",
    "decode_change",
    "decode_command",
    "decode_events",
    "decode_governance_events",
    "decode_record",
    "decode_recorded_command",
    "decode_refusal",
    "encode",
    "from_base64url",
    "is_resource",
    "murmur2",
    "parse_request_id",
    "partition_for",
    "request_id",
    "resource_type",
    "seal_message",
    "sha256_hex",
    "to_base64url",
]
