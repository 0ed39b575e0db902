"""The events of a request, in sentences. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from assent.gateway.console.text import t
from assent.reading.audit_entries import Words, audit_entry
from assent.reading.lapse_sentences import LAPSES
from assent.store.queries import AuditRow
from assent_contracts.commands import Settle, command_type
from assent_contracts.events import (
    ApprovalGiven,
    ApprovalLapsed,
    Event,
    FindingEvent,
    FindingReported,
    OfNoRequest,
    RequestFailed,
    SettlementProposed,
)
from assent_contracts.ledger import decode_events, decode_governance_events, decode_record
from assent_contracts.refusals import WHAT_TO_DO, Refusal
from assent_contracts.topics import LEDGER

_SETTLES: Final = command_type(Settle)
Tone = Literal["plain", "good", "bad", "refused"]

_TONES: Final[dict[str, Tone]] = {
    "approval-given": "good",
    "request-approved": "good",
    "request-completed": "good",
    "release-carried-out": "good",
    "rejection-given": "bad",
    "request-rejected": "bad",
    "request-closed": "bad",
    "request-failed": "bad",
    "release-refused": "bad",
    "outcome-unknown": "bad",
    "finding-reported": "bad",
}


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the log about the request."""

    at: int
    who: str | None
    """The account; None if Assent acted by itself."""
    said: tuple[str, ...]
    """What happened. The first is the action of `who`, the others are its consequences."""
    words: str
    """The text of `who`: justification, note, message or reason."""
    through: str | None = None
    tone: Tone = "plain"
    refusal: Refusal | None = None
    todo: str = ""
    ledger: str
    partition: int
    seq: int

    def is_after(self, seq: int) -> bool:
        """Whether it comes after `seq` in its request's partition."""
        return self.ledger == LEDGER and self.seq > seq


def happenings(records: Sequence[AuditRow]) -> list[Happening]:
    """All happenings in order. A repeated command is included once."""
    return [found for record in records for found in _happening(record)]


def _happening(row: AuditRow) -> Iterator[Happening]:
    entry = audit_entry(row)
    fields = {
        "at": row.at,
        "who": row.principal,
        "ledger": row.ledger,
        "partition": row.partition,
        "seq": row.seq,
        "words": _written(entry.words),
    }
    if entry.refusal is not None:
        verb = short(row.command) if row.command else "command"
        yield Happening(
            **fields,
            said=(t(f"tried.{verb}"),),
            tone="refused",
            refusal=entry.refusal,
            todo=WHAT_TO_DO[entry.refusal.code],
        )
        return
    events = _events(row)
    if events:
        yield Happening(
            **fields,
            said=tuple(_sentence(each, row.command) for each in events),
            tone=_TONES.get(short(command_type(events[0])), "plain"),
            through=next((_through(each) for each in events if isinstance(each, ApprovalGiven)), None),
        )


def _written(words: Words) -> str:
    return words.justification or words.note or words.message or words.reason or ""


def _events(row: AuditRow) -> list[msgspec.Struct]:
    record = decode_record(row.record)
    if row.ledger == LEDGER:
        # Findings concern an object. Those that name the request are in its timeline.
        return [
            each
            for each in decode_events(record)
            if not isinstance(each, OfNoRequest) or isinstance(each, FindingEvent)
        ]
    return [each for each in decode_governance_events(record) if not isinstance(each, OfNoRequest)]


def _through(event: ApprovalGiven) -> str | None:
    return None if event.through is UNSET else event.through


def _sentence(event: Event | msgspec.Struct, command: str | None) -> str:
    name = short(command_type(event))
    if isinstance(event, SettlementProposed):
        return t(f"happened.settlement-proposed.{event.outcome}")
    if command == _SETTLES:
        return t(f"happened.settled.{name}")
    if isinstance(event, ApprovalLapsed):
        return t("happened.approval-lapsed", approver=event.approver, why=LAPSES[event.reason])
    if isinstance(event, RequestFailed) and event.message is not UNSET:
        return t("happened.request-failed-why", why=event.message)
    if isinstance(event, FindingReported) and event.kind == "restored":
        return t("happened.finding-reported-restored")
    return t(f"happened.{name}")


def short(message_type: str) -> str:
    """`approval-given` of `assent.approval-given.v1`."""
    return message_type.removeprefix("assent.").rpartition(".")[0]
