"""What one event makes of a request's row. Pure."""

from typing import assert_never

import msgspec
from msgspec import UNSET

from assent_contracts.events import (
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRevoked,
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    Event,
    OfNoRequest,
    OutcomeUnknown,
    RejectionGiven,
    RequestApproved,
    RequestCanceled,
    RequestClosed,
    RequestCompleted,
    RequestEnd,
    RequestEvent,
    RequestExpired,
    RequestFailed,
    RequestRejected,
    RequestReopened,
    Status,
)
from assent_contracts.ledger import IncoherentRecordError, LedgerRecord
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.resources import parse_request_id


class ApprovalRow(msgspec.Struct, frozen=True, gc=False):
    """R8: one approver's approval, as it is shown, and the gateway that signed for them, if one did."""

    approver: str
    person: str
    note: str
    at: int
    through: str | None = None


class RejectionRow(msgspec.Struct, frozen=True, gc=False):
    """R8: one approver's rejection, as it is shown."""

    approver: str
    person: str
    note: str
    at: int


class Words(msgspec.Struct, frozen=True, gc=False):
    """What the command's sender wrote for people; events do not repeat it."""

    justification: str = ""
    note: str = ""
    message: str = ""
    reason: str = ""


NO_WORDS = Words()


class Moment(msgspec.Struct, frozen=True, gc=False):
    """Which ledger record an event stands in, and its log time in ms."""

    seq: int
    at: int


class RequestRow(msgspec.Struct):
    """One row of the table `requests`, without its generated columns."""

    seq: int
    resource: str
    operation: str
    requester: str
    on_behalf_of: str | None
    person: str
    justification: str
    submission: str
    digest: str
    terms: msgspec.Raw
    submitted_at: int
    status: Status
    progress: str | None
    approvals: tuple[ApprovalRow, ...]
    rejections: tuple[RejectionRow, ...]
    rejecter: str | None
    rejection_note: str | None
    closed_by: str | None
    closing_reason: str | None
    applier: str | None
    reporter: str | None
    outcome_message: str | None
    changed_at: int
    deadline: int | None
    last_seq: int


class MissingRequestError(Exception):
    """An event is about a request that has no row: the table is not what the position says."""


def open_row(event: ChangeSubmitted, words: Words, moment: Moment) -> RequestRow:
    """R6: the row of a new request."""
    return RequestRow(
        seq=moment.seq,
        resource=event.resource,
        operation=event.operation,
        requester=event.requester,
        on_behalf_of=None if event.on_behalf_of is UNSET else event.on_behalf_of,
        person=event.person,
        justification=words.justification,
        submission=event.submission,
        digest=event.digest,
        terms=msgspec.Raw(msgspec.json.encode(event.terms)),
        submitted_at=moment.at,
        status="needs_approval",
        progress=None,
        approvals=(),
        rejections=(),
        rejecter=None,
        rejection_note=None,
        closed_by=None,
        closing_reason=None,
        applier=None,
        reporter=None,
        outcome_message=None,
        changed_at=moment.at,
        deadline=event.deadline,
        last_seq=moment.seq,
    )


def fold(row: RequestRow, event: RequestEvent, words: Words, moment: Moment) -> None:  # noqa: C901  an arm each
    """Move a row on past an event that follows its submission."""
    row.changed_at, row.last_seq = moment.at, moment.seq
    match event:
        case ApprovalGiven():
            through = None if event.through is UNSET else event.through
            approval = ApprovalRow(event.approver, event.person, words.note, moment.at, through)
            row.approvals = (*row.approvals, approval)
            row.deadline = event.deadline
        case RequestApproved():
            row.status = "approved"
        case ApprovalRevoked():
            row.approvals = _without(row.approvals, event.approver)
            row.status, row.deadline = "needs_approval", event.deadline
        case ApprovalLapsed():
            row.approvals = _without(row.approvals, event.approver)
        case RequestReopened():
            row.status, row.progress = "needs_approval", None
        case RejectionGiven():
            rejection = RejectionRow(event.approver, event.person, words.note, moment.at)
            row.rejections = (*row.rejections, rejection)
        case ChangeReleased():
            row.status, row.progress = "approved", "released"
            # What governance carries out itself waits for nobody, so it never expires.
            row.deadline = None if event.deadline == FOR_EVER_MS else event.deadline
        case ChangeClaimed():
            row.progress, row.applier, row.deadline = "applying", event.applier, event.deadline
        case OutcomeUnknown():
            row.progress, row.deadline = "unknown", None
            row.outcome_message = words.message or None
        case ChangeSubmitted():
            raise AssertionError
        case (
            RequestRejected()
            | RequestCompleted()
            | RequestFailed()
            | RequestCanceled()
            | RequestClosed()
            | RequestExpired()
        ):
            _close(row, event, words)
        case _:
            assert_never(event)


def _without(approvals: tuple[ApprovalRow, ...], approver: str) -> tuple[ApprovalRow, ...]:
    return tuple(each for each in approvals if each.approver != approver)


def _close(row: RequestRow, event: RequestEnd, words: Words) -> None:
    row.progress, row.deadline = None, None
    match event:
        case RequestRejected():
            row.status, row.rejecter, row.rejection_note = "rejected", event.approver, words.note
        case RequestCompleted():
            row.status, row.reporter, row.outcome_message = "completed", event.reporter, words.message or None
        case RequestFailed():
            # Nobody reported what governance could not carry out: then the event itself says why.
            message = words.message if event.message is UNSET else event.message
            row.status, row.reporter, row.outcome_message = "failed", event.reporter, message or None
        case RequestCanceled():
            row.status = "canceled"
        case RequestClosed():
            row.status, row.closed_by, row.closing_reason = "canceled", event.closed_by, words.reason
        case RequestExpired():
            row.status = "expired"
        case _:
            assert_never(event)


class _Recorded(msgspec.Struct, gc=False):
    value: Words = NO_WORDS


_decode_words = msgspec.json.Decoder(_Recorded).decode


def take_record(rows: dict[int, RequestRow], record: LedgerRecord, events: tuple[Event, ...]) -> None:
    """Bring the rows, by their seqs, past one accepted record. Raises KeyError where a request has no row."""
    moment = Moment(record.seq, record.at)
    words = NO_WORDS if record.command is UNSET else _decode_words(record.command).value
    for event in events:
        if isinstance(event, ChangeSubmitted):
            rows[record.seq] = open_row(event, words, moment)
        elif not isinstance(event, OfNoRequest):
            fold(rows[seq_of(event.request)], event, words, moment)


def seq_of(request: str) -> int:
    """The seq in a request's id. Raises IncoherentRecordError for what is none."""
    place = parse_request_id(request)
    if place is None:
        msg = f"an event names the request {request[:40]!r}"
        raise IncoherentRecordError(msg)
    return place[1]
