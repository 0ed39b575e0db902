"""R23: what was submitted, read only from the submission's bytes. Everything that shows a request uses it.

The columns beside those bytes in Postgres are for lists. A page, an answer or a terminal on which people
decide shows what `submitted_in` read, and a decision made there names `sha256`, which covers the same bytes.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from assent.store.queries import RequestView
from assent_contracts.change_details import ChangeDetails, details_of
from assent_contracts.commands import SubmitChange
from assent_contracts.core.log_time import received_at
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted, Event
from assent_contracts.ledger import RecordedCommand, decode_events, decode_recorded_command
from assent_contracts.proof import NotProven, named_governance, read_record
from assent_contracts.resources import request_id, resource_type


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """A submission, read from the bytes of its command."""

    request: str
    at: int
    """Log time of its decision, ms."""
    received_at: int
    """When the broker appended it, ms."""
    governance: int
    """The governance seq under which it was decided."""
    resource: str
    resource_type: str
    operation: str
    requester: str
    on_behalf_of: str | None
    """R20: the person that a service named."""
    justification: str
    details: ChangeDetails
    """R24: its optional fields."""
    newest_version: str | None
    """R26: the newest version of the object that the writer knew, if the base is another one."""
    payload: msgspec.Raw
    sha256: str
    """R23: SHA-256 (hex) of the command's bytes. A decision names it as `submission`."""
    digest: str
    """SHA-256 (hex) of the payload's bytes."""


_COLUMNS: Final = (
    *("resource", "resource_type", "operation", "requester", "on_behalf_of", "justification"),
    *("submission", "digest", "details", "newest_version"),
)
"""The columns of RequestView that contain what was submitted."""
_NOT_A_SUBMISSION = NotProven("The record at this place did not open a request.")
_decode_submission = msgspec.json.Decoder(SubmitChange).decode


def submitted_in(value: bytes, partition: int, seq: int) -> Submitted | NotProven:
    """What the record at (partition, seq) submitted; `value`: the bytes of that record's value.

    The record itself may be forged: `assent_contracts.proof` proves whether it is the log's.
    """
    record = read_record(value)
    if isinstance(record, NotProven):
        return record
    try:
        recorded, events = decode_recorded_command(record), decode_events(record)
        if not isinstance(recorded, RecordedCommand):
            return _NOT_A_SUBMISSION
        command = _decode_submission(recorded.value)
        kind = resource_type(command.resource)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _NOT_A_SUBMISSION
    submitted = Submitted(
        request=request_id(partition, seq),
        at=record.at,
        received_at=received_at(record),
        governance=named_governance(record),
        resource=command.resource,
        resource_type=kind,
        operation=command.operation,
        requester=command.principal,
        on_behalf_of=_or_none(command.on_behalf_of),
        justification=command.justification,
        details=details_of(command),
        newest_version=_newest(events),
        payload=command.payload.copy(),
        sha256=sha256_hex(bytes(recorded.value)),
        digest=sha256_hex(bytes(command.payload)),
    )
    opened = [event for event in events if isinstance(event, ChangeSubmitted)]
    return submitted if record.seq == seq and _are_of(opened, submitted) else _NOT_A_SUBMISSION


def _newest(events: Sequence[Event]) -> str | None:
    found = (event.newest for event in events if isinstance(event, ChangeSubmitted))
    return next((newest for newest in found if isinstance(newest, str)), None)


def _are_of(opened: list[ChangeSubmitted], submitted: Submitted) -> bool:
    """Whether the record's events match its command."""
    return len(opened) == 1 and (
        opened[0].request,
        opened[0].resource,
        opened[0].operation,
        opened[0].requester,
        _or_none(opened[0].on_behalf_of),
        opened[0].submission,
        opened[0].digest,
    ) == (
        submitted.request,
        submitted.resource,
        submitted.operation,
        submitted.requester,
        submitted.on_behalf_of,
        submitted.sha256,
        submitted.digest,
    )


def _or_none(named: str | UnsetType) -> str | None:
    return None if named is UNSET else named


def as_submitted(row: RequestView, submitted: Submitted) -> RequestView:
    """The request, with everything that was submitted taken from the submission's bytes."""
    return msgspec.structs.replace(
        row,
        resource=submitted.resource,
        resource_type=submitted.resource_type,
        operation=submitted.operation,
        requester=submitted.requester,
        on_behalf_of=submitted.on_behalf_of,
        justification=submitted.justification,
        details=submitted.details,
        newest_version=submitted.newest_version,
        submission=submitted.sha256,
        digest=submitted.digest,
    )


def differences(row: RequestView, submitted: Submitted) -> tuple[str, ...]:
    """The names of the columns of Postgres that contradict the submission's bytes."""
    right = as_submitted(row, submitted)
    return tuple(name for name in _COLUMNS if getattr(row, name) != getattr(right, name))
