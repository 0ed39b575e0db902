"""How requests and audit records look to people on a terminal."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.reading.audit_entries import AuditEntry
from assent.reading.overlooked_text import odd_sentence, oddities, plain_ends, shown_line
from assent.reading.payloads import ShownPayload, shown_payload
from assent.reading.visible_text import visible
from assent.store.queries import RequestView
from assent_contracts.topics import GOVERNANCE

_LOOKS: Final = {
    "needs_approval": ("○", "yellow"),
    "approved": ("◐", "cyan"),
    "completed": ("●", "green"),
    "rejected": ("✕", "red"),
    "canceled": ("⊘", "dim"),
    "expired": ("…", "dim"),
    "failed": ("!", "bold red"),
}
_PROGRESS: Final = {"released": "released", "applying": "being applied", "unknown": "outcome unknown"}
_PAYLOAD_LINES = 60
_WIDE_COLUMNS = 120
_AGES: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"))


def when(at_ms: int) -> str:
    """A time for people, in UTC to the second."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def age(at_ms: int, now_ms: int) -> str:
    """How long ago, in the largest full unit: `3h`. Never negative, even where clocks differ."""
    for unit_ms, name in _AGES:
        if now_ms - at_ms >= unit_ms:
            return f"{(now_ms - at_ms) // unit_ms}{name}"
    return "0s"


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table without lines; the columns named in `right` hold numbers."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def status_text(row: RequestView) -> Text:
    """R13: the status as a shape, a word and a colour, with the progress of an approved request."""
    shape, colour = _LOOKS[row.status]
    progress = f", {_PROGRESS[row.progress]}" if row.progress else ""
    return Text(f"{shape} {row.status.replace('_', ' ')}{progress}", style=colour, overflow="fold")


def approvals_text(row: RequestView) -> str:
    """How many approvals count, out of the number that the most demanding rule asks for (R21)."""
    asked = (rule.quorum for terms in row.terms for rule in terms.rules)
    given = sum(each.lapsed is None for each in row.approvals)
    return f"{given}/{max(asked, default=0)}"


def print_requests(rows: Sequence[RequestView], now_ms: int) -> None:
    """R7: a table of requests; times are ages where the terminal is narrow."""
    if not rows:
        output.print_line("No requests. `assent submit` makes one.")
        return
    wide = output.console().width >= _WIDE_COLUMNS
    time = "changed" if wide else "age"
    made = table("request", "status", "given", "operation and object", "requester", time)
    made.columns[0].no_wrap = made.columns[2].no_wrap = made.columns[5].no_wrap = True
    for row in rows:
        made.add_row(
            Text(row.id),
            status_text(row),
            Text(approvals_text(row)),
            Text(visible(f"{row.operation} {row.resource}")),
            Text(visible(row.requester)),
            Text(when(row.changed_at) if wide else age(row.changed_at, now_ms)),
        )
    output.print_block(made)


def payload_text(payload: bytes, resource: str, request: str) -> Text:
    """A payload for people: a text as it is, anything else as JSON. A long one ends with how to see the rest.

    Nothing is hidden: a character that a terminal would obey or not draw appears as its number, and warnings
    of what a reader could overlook come first.
    """
    payload_shown = shown_payload(payload, resource)
    lines = plain_ends(payload_shown.text).split("\n")
    shown = "\n".join(shown_line(line) for line in lines[:_PAYLOAD_LINES]).rstrip("\n")
    said = Text(overflow="fold")
    for oddity in oddities(payload_shown.text):
        said.append(f"! {odd_sentence(oddity)}\n", style="bold yellow")
    said.append(f"{_size_of(payload_shown, len(lines))}\n", style="dim")
    said.append_text(_highlighted(shown, payload_shown.language))
    if len(lines) > _PAYLOAD_LINES:
        more = len(lines) - _PAYLOAD_LINES
        rest = f"\n… {more:,} MORE LINES ARE NOT SHOWN: assent show {request} --save FILE writes all of it"
        said.append(rest, style="bold yellow")
    return said


def lines_not_shown(payload: bytes, resource: str) -> int:
    """How many lines `payload_text` leaves out."""
    lines = plain_ends(shown_payload(payload, resource).text).count("\n") + 1
    return max(0, lines - _PAYLOAD_LINES)


def _size_of(payload: ShownPayload, lines: int) -> str:
    size = f"{lines:,} {'line' if lines == 1 else 'lines'}"
    if payload.file is None:
        return size
    return f"{size}; the file has {payload.file.size:,} bytes, SHA-256 {payload.file.sha256}"


def _highlighted(text: str, lexer: str) -> Text:
    if not output.console().is_terminal or output.console().no_color:
        return Text(text, overflow="fold")
    from rich.syntax import Syntax

    highlighted = Syntax("", lexer, theme="ansi_dark", background_color="default").highlight(text)
    highlighted.rstrip()
    highlighted.no_wrap, highlighted.overflow = False, "fold"
    return highlighted


def print_timeline(entries: Sequence[AuditEntry]) -> None:
    """Print what happened to a request, in order."""
    made = table("when", "seq", "who", "what", right=("seq",))
    for entry in entries:
        made.add_row(
            Text(when(entry.at), no_wrap=True),
            Text(_place(entry), no_wrap=True),
            Text(visible(entry.principal or "assent")),
            _what(entry),
        )
    output.print_block(made)


def print_audit(entries: Iterable[AuditEntry]) -> None:
    """Print audit records: one to a line where it fits, else with what happened below it, indented."""
    width = output.console().width
    for entry in entries:
        head = f"{when(entry.at)}  {_place(entry)}  {entry.principal or 'assent'}"
        line = Text(visible(head + (f"  {entry.resource}" if entry.resource else "")), overflow="fold")
        what = _what(entry)
        if line.cell_len + 2 + what.cell_len <= width:
            output.print_block(Text.assemble(line, "  ", what))
        else:
            output.print_block(line)
            output.print_block(Padding(what, (0, 0, 0, 4), expand=False))


def _place(entry: AuditEntry) -> str:
    """`2/1041` on the request ledger, `governance/35` on that of governance."""
    return f"{'governance' if entry.ledger == GOVERNANCE else entry.partition}/{entry.seq}"


def _what(entry: AuditEntry) -> Text:
    if entry.refusal is not None:
        command = _short(entry.command) if entry.command else "a command"
        said = f"✕ {command} refused: {entry.refusal.code}. {entry.refusal.detail}"
        return Text(visible(said), style="red", overflow="fold")
    text = Text(
        ", ".join(_short(event) for event in entry.outcome.replace(",", " ").split()), overflow="fold"
    )
    said = entry.words.justification or entry.words.note or entry.words.message or entry.words.reason
    if said:
        text.append(f"  “{visible(said)}”", style="italic")
    return text


def _short(message_type: str) -> str:
    # assent.change-submitted.v1 -> change submitted
    return message_type.removeprefix("assent.").rpartition(".")[0].replace("-", " ")
