"""A record of the audit log for people: its columns, and what its sender wrote."""

import msgspec

from assent.store.queries import AuditRow
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command, decode_refusal
from assent_contracts.refusals import Refusal


class Words(msgspec.Struct, frozen=True):
    """What a sender wrote for people, in any kind of command."""

    operation: str | None = None
    justification: str | None = None
    note: str | None = None
    message: str | None = None
    reason: str | None = None
    outcome: str | None = None
    # A factory, because the API's schema cannot contain this value as a default.
    payload: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the audit log."""

    ledger: str
    partition: int
    seq: int
    at: int
    request: str | None
    resource: str | None
    principal: str | None
    command: str | None
    outcome: str
    words: Words
    refusal: Refusal | None = None


_decode_words = msgspec.json.Decoder(Words).decode


def audit_entry(row: AuditRow) -> AuditEntry:
    """R16: a row of the audit log, with what its sender wrote."""
    record = decode_record(row.record)
    recorded = decode_recorded_command(record)
    return AuditEntry(
        ledger=row.ledger,
        partition=row.partition,
        seq=row.seq,
        at=row.at,
        request=row.request,
        resource=row.resource,
        principal=row.principal,
        command=row.command,
        outcome=row.outcome,
        words=_decode_words(recorded.value) if isinstance(recorded, RecordedCommand) else Words(),
        refusal=decode_refusal(record),
    )
