"""The audit table's columns for a record, each derived from the record alone.

The audit service writes its rows with this, and `audit verify` compares every row with it.
"""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts.acceptance import Accepted

_BETWEEN_EVENTS = ", "


class _Change(msgspec.Struct, gc=False):
    type: str


class _Command(msgspec.Struct, gc=False):
    type: str
    principal: str
    resource: str | None = None
    request: str | None = None
    change: _Change | None = None


class _Recorded(msgspec.Struct, gc=False):
    # An unreadable command has a hash instead.
    value: _Command | None = None


class _Event(msgspec.Struct, gc=False):
    type: str
    request: str | None = None


class _Refusal(msgspec.Struct, gc=False):
    code: str


class _Record(msgspec.Struct, gc=False):
    command: _Recorded | UnsetType = UNSET
    events: list[_Event] | UnsetType = UNSET
    refusal: _Refusal | UnsetType = UNSET


class AuditColumns(msgspec.Struct, frozen=True, gc=False):
    """The columns by which a record is found; None where the record has no value for it.

    R16: the governance record that carries a release out is found by its request too.
    """

    request: str | None
    resource: str | None
    principal: str | None
    command: str | None
    outcome: str


class AuditTableRow(msgspec.Struct, frozen=True, gc=False):
    """R16: one row of the audit table: the columns after `ledger` and `partition`, as in COLUMNS."""

    seq: int
    ledger_offset: int
    at: int
    value_sha256: str
    outcome: str
    request: str | None
    resource: str | None
    principal: str | None
    command: str | None
    record: bytes


COLUMNS: Final = ("ledger", "partition", *AuditTableRow.__struct_fields__)

_decode = msgspec.json.Decoder(_Record).decode


def row_of(accepted: Accepted) -> AuditTableRow:
    """The row of an accepted record of either ledger. Raises msgspec.MsgspecError, UnicodeDecodeError."""
    record, entry = accepted.record, columns_of(accepted)
    return AuditTableRow(
        record.seq,
        accepted.offset,
        record.at,
        accepted.value_sha256,
        entry.outcome,
        entry.request,
        entry.resource,
        entry.principal,
        entry.command,
        accepted.value,
    )


def columns_of(accepted: Accepted) -> AuditColumns:
    """The columns of an accepted record of either ledger."""
    record = _decode(accepted.value)
    command = None if record.command is UNSET else record.command.value
    request = None if command is None else command.request
    events, refusal = record.events, record.refusal
    if refusal is not UNSET:
        outcome = refusal.code
    elif events is UNSET or not events:
        outcome = ""
    else:
        # A submission's request is named by its event only. A request that changes governance is named by the
        # last event, after the events of the change itself.
        request = request or events[0].request or events[-1].request
        outcome = events[0].type if len(events) == 1 else _BETWEEN_EVENTS.join(event.type for event in events)
    if command is None:
        return AuditColumns(request, None, None, None, outcome)
    # A governance command only wraps a change; the change has the specific type.
    kind = command.type if command.change is None else command.change.type
    return AuditColumns(request, command.resource, command.principal, kind, outcome)
