"""What one event makes of a request's row. Pure."""

from typing import assert_never

import msgspec

from assent_contracts.events import (
    ApprovalGiven,
    ApprovalRevoked,
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    OutcomeUnknown,
    RequestApproved,
    RequestCanceled,
    RequestCompleted,
    RequestEvent,
    RequestExpired,
    RequestFailed,
    RequestRejected,
    Status,
)

_Ending = RequestRejected | RequestCompleted | RequestFailed | RequestCanceled | RequestExpired


class Approval(msgspec.Struct, frozen=True, gc=False):
    """R8: one approver's approval, as it is shown."""

    approver: str
    person: str
    note: str
    at: int


class Words(msgspec.Struct, frozen=True, gc=False):
    """What the command's sender wrote for people; events do not repeat it."""

    justification: str = ""
    note: str = ""
    message: str = ""


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
    person: str
    justification: str
    digest: str
    terms: msgspec.Raw
    submitted_at: int
    status: Status
    progress: str | None
    approvals: tuple[Approval, ...]
    rejecter: str | None
    rejection_note: str | None
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
        person=event.person,
        justification=words.justification,
        digest=event.digest,
        terms=msgspec.Raw(msgspec.json.encode(event.terms)),
        submitted_at=moment.at,
        status="needs_approval",
        progress=None,
        approvals=(),
        rejecter=None,
        rejection_note=None,
        applier=None,
        reporter=None,
        outcome_message=None,
        changed_at=moment.at,
        deadline=event.deadline,
        last_seq=moment.seq,
    )


def fold(row: RequestRow, event: RequestEvent, words: Words, moment: Moment) -> None:
    """Move a row on past an event that follows its submission."""
    row.changed_at, row.last_seq = moment.at, moment.seq
    match event:
        case ApprovalGiven():
            approval = Approval(event.approver, event.person, words.note, moment.at)
            row.approvals = (*row.approvals, approval)
            row.deadline = event.deadline
        case RequestApproved():
            row.status = "approved"
        case ApprovalRevoked():
            row.approvals = tuple(each for each in row.approvals if each.approver != event.approver)
            row.status, row.deadline = "needs_approval", event.deadline
        case ChangeReleased():
            row.status, row.progress, row.deadline = "approved", "released", event.deadline
        case ChangeClaimed():
            row.progress, row.applier, row.deadline = "applying", event.applier, event.deadline
        case OutcomeUnknown():
            row.progress, row.deadline = "unknown", None
            row.outcome_message = words.message or None
        case ChangeSubmitted():
            raise AssertionError
        case _:
            _close(row, event, words)


def _close(row: RequestRow, event: _Ending, words: Words) -> None:
    row.progress, row.deadline = None, None
    match event:
        case RequestRejected():
            row.status, row.rejecter, row.rejection_note = "rejected", event.approver, words.note
        case RequestCompleted():
            row.status, row.reporter, row.outcome_message = "completed", event.reporter, words.message or None
        case RequestFailed():
            row.status, row.reporter, row.outcome_message = "failed", event.reporter, words.message or None
        case RequestCanceled():
            row.status = "canceled"
        case RequestExpired():
            row.status = "expired"
        case _:
            assert_never(event)
