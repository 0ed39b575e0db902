"""How requests and audit records look to people on a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.store.queries import AuditRow, RequestView
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command, decode_refusal
from assent_contracts.refusals import Refusal

_LOOKS: Final = {
    "needs_approval": ("○", "yellow"),
    "approved": ("◐", "cyan"),
    "completed": ("●", "green"),
    "rejected": ("✕", "red"),
    "canceled": ("–", "dim"),
    "expired": ("…", "dim"),
    "failed": ("!", "bold red"),
}
_LEXERS: Final = {".ps1": "powershell", ".sh": "sh", ".py": "python", ".bat": "bat"}
_PAYLOAD_LINES = 40


class Words(msgspec.Struct, frozen=True):
    """What a sender wrote for people, whichever command it stands in."""

    operation: str | None = None
    justification: str | None = None
    note: str | None = None
    message: str | None = None
    outcome: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
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


def audit_entry(row: AuditRow) -> Entry:
    """A row of the audit log with what its sender wrote."""
    record = decode_record(row.record)
    recorded = decode_recorded_command(record)
    return Entry(
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


def when(at_ms: int) -> str:
    """A time for people, in UTC to the second."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def status_text(row: RequestView) -> Text:
    """R13: the status in a shape, a word and a colour; an approved one says how far it has come."""
    shape, colour = _LOOKS[row.status]
    progress = f" ({row.progress})" if row.progress else ""
    return Text(f"{shape} {row.status.replace('_', ' ')}{progress}", style=colour)


def print_requests(rows: Sequence[RequestView]) -> None:
    """R7: a table of requests."""
    if not rows:
        output.out.print("No requests. `assent submit` makes one.")
        return
    table = Table("request", "status", "object", "operation", "requester", "approvals", "changed", box=None)
    for row in rows:
        asked = max((terms.quorum for terms in row.terms), default=0)
        approvals = f"{len(row.approvals)} of {asked}"
        cells = (
            row.id,
            status_text(row),
            row.resource,
            row.operation,
            row.requester,
            approvals,
            when(row.changed_at),
        )
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
    output.out.print(table)


def print_request(row: RequestView, entries: Sequence[Entry]) -> None:
    """One request with everything that was said about it."""
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(row):
        facts.add_row(Text(name, style="dim"), value if isinstance(value, Text) else Text(value))
    output.out.print(facts)
    if entries:
        output.out.print(Padding(_payload(row, entries[0]), (1, 0)))
    print_timeline(entries)


def _facts(row: RequestView) -> list[tuple[str, str | Text]]:
    facts: list[tuple[str, str | Text]] = [
        ("request", row.id),
        ("status", status_text(row)),
        ("object", row.resource),
        ("operation", row.operation),
        ("requester", row.requester),
        ("justification", row.justification),
        ("digest", row.digest),
    ]
    facts += [
        ("policy", f"{terms.policy}: {terms.quorum} of {', '.join(terms.groups)}") for terms in row.terms
    ]
    facts += [("approved by", _with_note(each.approver, each.note)) for each in row.approvals]
    if row.rejecter is not None:
        facts.append(("rejected by", _with_note(row.rejecter, row.rejection_note)))
    if row.applier is not None:
        facts.append(("applier", _with_note(row.applier, row.outcome_message)))
    if row.deadline is not None:
        facts.append(("until", when(row.deadline)))
    return facts


def _with_note(who: str, note: str | None) -> str:
    return f"{who}: {note}" if note else who


def _payload(row: RequestView, submission: Entry) -> Syntax:
    payload = bytes(submission.words.payload)
    lexer, text = "json", payload.decode()
    if payload.startswith(b'"'):
        suffix = row.resource[row.resource.rfind(".") :]
        lexer, text = _LEXERS.get(suffix, "text"), msgspec.json.decode(payload, type=str)
    lines = text.splitlines()
    if len(lines) > _PAYLOAD_LINES:
        text = "\n".join(
            [*lines[:_PAYLOAD_LINES], f"… {len(lines) - _PAYLOAD_LINES} more lines: --json has all"]
        )
    return Syntax(text, lexer, background_color="default", word_wrap=True)


def print_timeline(entries: Sequence[Entry]) -> None:
    """What happened to a request, in order."""
    table = Table("when", "seq", "who", "what", box=None)
    for entry in entries:
        table.add_row(
            when(entry.at), f"{entry.partition}/{entry.seq}", Text(entry.principal or "assent"), _what(entry)
        )
    output.out.print(table)


def print_audit(rows: Sequence[AuditRow]) -> None:
    """Audit records, one to a line."""
    for entry in map(audit_entry, rows):
        ledger = "governance" if entry.ledger.endswith("governance") else str(entry.partition)
        line = Text(f"{when(entry.at)}  {ledger}/{entry.seq}  {entry.principal or 'assent'}  ", style="")
        if entry.resource:
            line.append(f"{entry.resource}  ")
        output.out.print(line + _what(entry))


def _what(entry: Entry) -> Text:
    if entry.refusal is not None:
        command = _short(entry.command) if entry.command else "a command"
        return Text(f"✕ {command} refused: {entry.refusal.code}. {entry.refusal.detail}", style="red")
    text = Text(", ".join(_short(event) for event in entry.outcome.replace(",", " ").split()))
    said = entry.words.justification or entry.words.note or entry.words.message
    if said:
        text.append(f"  “{said}”", style="italic")
    return text


def _short(message_type: str) -> str:
    # assent.change-submitted.v1 -> change submitted
    return message_type.removeprefix("assent.").rpartition(".")[0].replace("-", " ")
