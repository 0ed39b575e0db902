"""The ledger record: one decision, chained to the previous one."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from assent_contracts.events import Event
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import Refusal

GENESIS_PREV: Final = "0" * 64
"""`prev` of governance record 0. In a request partition it is the log's identity."""


class IncoherentRecordError(Exception):
    """A record that is accepted, or stored as accepted, although its parts do not fit together.

    No honest writer makes such a record: its key was stolen, or a table was changed. A reader stops there.
    """


class RecordedCommand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A well-formed command of a known sender, embedded unchanged, with its key and its signature."""

    value: Annotated[Raw, Meta(description="The command's bytes as received.")]
    key: str
    signature: str


class OmittedCommand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of a record that is not a well-formed command of a known sender: never its bytes."""

    sha256: str
    size: Annotated[int, Meta(description="Bytes.")]


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record's value, as a writer makes it. It has either `events` or `refusal`."""

    seq: Annotated[int, Meta(description="0, 1, 2 ... in its partition.")]
    prev: Annotated[str, Meta(description="SHA-256 of the previous accepted record's value, hex.")]
    epoch: Annotated[int, Meta(description="The writer's term.")]
    input: Annotated[int, Meta(description="Offset of the command.")] | UnsetType = UNSET
    received: (
        Annotated[int, Meta(description="When the broker appended the command, ms. Present if `input` is.")]
        | UnsetType
    ) = UNSET
    at: Annotated[
        int,
        Meta(
            description="Log time: milliseconds since 1970 in UTC. It goes back only after a correction that"
            " governance has recorded."
        ),
    ]
    governance: Annotated[int, Meta(description="The governance seq that the decision used.")] | UnsetType = (
        UNSET
    )
    command: RecordedCommand | OmittedCommand | UnsetType = UNSET
    events: tuple[Event, ...] | tuple[GovernanceEvent, ...] | UnsetType = UNSET
    refusal: Refusal | UnsetType = UNSET


Int64 = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A number of a record. No reader accepts a larger one, so that all can keep them in 64 bits."""


class LedgerRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record's value, as readers decode it. The parts that only some readers need stay raw.

    `decode_events` and the similar functions below decode them.
    """

    seq: Int64
    prev: str
    epoch: Int64
    input: Int64 | UnsetType = UNSET
    received: Int64 | UnsetType = UNSET
    at: Int64
    governance: Int64 | UnsetType = UNSET
    command: Raw | UnsetType = UNSET
    events: Raw | UnsetType = UNSET
    refusal: Raw | UnsetType = UNSET


decode_record = msgspec.json.Decoder(LedgerRecord).decode
"""Decode a record's value to a LedgerRecord. Raises msgspec.DecodeError if it is not one."""

_decode_events = msgspec.json.Decoder(tuple[Event, ...]).decode
_decode_governance_events = msgspec.json.Decoder(tuple[GovernanceEvent, ...]).decode
_decode_refusal = msgspec.json.Decoder(Refusal).decode
_decode_recorded = msgspec.json.Decoder(RecordedCommand).decode
_decode_omitted = msgspec.json.Decoder(OmittedCommand).decode


def decode_events(record: LedgerRecord) -> tuple[Event, ...]:
    """The events of a request ledger's record; empty if it is a refusal."""
    return () if record.events is UNSET else _decode_events(record.events)


def decode_governance_events(record: LedgerRecord) -> tuple[GovernanceEvent, ...]:
    """The events of a governance record; empty if it is a refusal."""
    return () if record.events is UNSET else _decode_governance_events(record.events)


def decode_refusal(record: LedgerRecord) -> Refusal | None:
    """The refusal of a record; None if it has events."""
    return None if record.refusal is UNSET else _decode_refusal(record.refusal)


def decode_recorded_command(record: LedgerRecord) -> RecordedCommand | OmittedCommand | None:
    """The command that caused a record; None if the writer acted by itself, as for an expiry."""
    if record.command is UNSET:
        return None
    if bytes(memoryview(record.command)[:10]).startswith(b'{"sha256"'):
        return _decode_omitted(record.command)
    return _decode_recorded(record.command)
