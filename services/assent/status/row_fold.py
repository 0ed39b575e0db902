"""Fold events into the row of a request: the shared fold of the core, and its texts. Pure."""

import msgspec
from msgspec import UNSET

from assent.reading.sender_text import SenderText, failure_message, sender_text
from assent_contracts.change_details import details_of
from assent_contracts.commands import Settlement
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve
from assent_contracts.core.requests.permissions import Deciding
from assent_contracts.core.requests.states import (
    Applying,
    Approval,
    Closed,
    Open,
    Proposal,
    Rejection,
    Released,
    ReleaseProgress,
    Request,
    Submission,
    Unsettled,
    open_state,
    status_of,
)
from assent_contracts.events import (
    ChangeSubmitted,
    Event,
    LeaseRenewed,
    OfNoRequest,
    OutcomeUnknown,
    RequestCompleted,
    RequestEvent,
    Status,
)
from assent_contracts.ledger import IncoherentRecordError, LedgerRecord
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.resources import parse_request_id


class ApprovalRow(msgspec.Struct, frozen=True, gc=False):
    """R8: one approver's approval as shown, with the gateway that signed for them, if one did."""

    approver: str
    person: str
    note: str
    at: int
    through: str | None = None


class RejectionRow(msgspec.Struct, frozen=True, gc=False):
    """R8: one approver's rejection as shown."""

    approver: str
    person: str
    note: str
    at: int


class ProposalRow(msgspec.Struct, frozen=True, gc=False):
    """How one administrator settles an unknown outcome, as shown, where two must agree."""

    administrator: str
    person: str
    outcome: Settlement
    reason: str
    at: int


class Moment(msgspec.Struct, frozen=True, gc=False):
    """The seq of the ledger record that contains an event, and its log time in ms."""

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
    details: msgspec.Raw
    terms: msgspec.Raw
    submitted_at: int
    status: Status
    progress: ReleaseProgress | None
    approvals: tuple[ApprovalRow, ...]
    rejections: tuple[RejectionRow, ...]
    rejecter: str | None
    rejection_note: str | None
    closed_by: str | None
    closing_reason: str | None
    applier: str | None
    claim: int | None
    claimed_at: int | None
    lease_end: int | None
    proposals: tuple[ProposalRow, ...]
    reporter: str | None
    outcome_message: str | None
    newest_version: str | None
    made_version: str | None
    changed_at: int
    deadline: int | None
    last_seq: int


class MissingRowError(Exception):
    """An event concerns a request that has no row: the table does not match its position."""


def open_row(event: ChangeSubmitted, text: SenderText, moment: Moment) -> RequestRow:
    """R6: the row of a new request."""
    return RequestRow(
        seq=moment.seq,
        resource=event.resource,
        operation=event.operation,
        requester=event.requester,
        on_behalf_of=None if event.on_behalf_of is UNSET else event.on_behalf_of,
        person=event.person,
        justification=text.justification,
        submission=event.submission,
        digest=event.digest,
        details=msgspec.Raw(msgspec.json.encode(details_of(text))),
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
        claim=None,
        claimed_at=None,
        lease_end=None,
        proposals=(),
        reporter=None,
        outcome_message=None,
        newest_version=None if event.newest is UNSET else event.newest,
        made_version=None,
        changed_at=moment.at,
        deadline=event.deadline,
        last_seq=moment.seq,
    )


def fold(
    row: RequestRow, before: Request | None, event: RequestEvent, text: SenderText, moment: Moment
) -> Request:
    """Apply an event after the submission to a row; returns the state after it. `before`: the state so far.

    Raises ImpossibleEventError when the event does not fit the state.
    """
    if before is None or isinstance(before, Closed):
        msg = f"{type(event).__name__} on a request that is {row.status}"
        raise ImpossibleEventError(msg)
    after = evolve(before, event, moment.at, moment.seq)
    row.status, row.progress = status_of(after)
    row.deadline = _deadline(after)
    if not isinstance(event, LeaseRenewed):
        # A renewal is no news to people, and a list is not sorted by it.
        row.changed_at, row.last_seq = moment.at, moment.seq
    if isinstance(after, Deciding):
        _write_decisions(row, after, text, moment)
    elif isinstance(after, Released):
        _write_claim(row, None)
        row.outcome_message = None
    elif isinstance(after, Applying):
        if row.claim != after.claim:
            _write_claim(row, after)
        row.lease_end = after.deadline
    elif isinstance(after, Unsettled):
        _write_unsettled(row, after, event, text, moment)
    elif isinstance(after, Closed):
        _write_end(row, after, event, text)
    return after


def _state(row: RequestRow) -> Open | None:
    # The fold does not use the terms, so they are left empty here.
    submission = Submission(row.seq, row.resource, row.requester, row.person, row.submission, row.digest, ())
    return open_state(
        row.status,
        row.progress,
        submission,
        tuple(Approval(each.approver, each.person, each.through) for each in row.approvals),
        tuple(Rejection(each.approver, each.person) for each in row.rejections),
        deadline=FOR_EVER_MS if row.deadline is None else row.deadline,
        applier=row.applier or "",
        claim=-1 if row.claim is None else row.claim,
        claimed_at=row.claimed_at or 0,
        proposals=tuple(Proposal(each.administrator, each.person, each.outcome) for each in row.proposals),
    )


def _deadline(after: Request) -> int | None:
    if isinstance(after, Unsettled | Closed):
        return None
    # What governance carries out itself does not wait for anyone, so it never expires.
    return None if after.deadline == FOR_EVER_MS else after.deadline


def _write_decisions(row: RequestRow, after: Deciding, text: SenderText, moment: Moment) -> None:
    """R8: the approvals and rejections that count, each with the note and time of its own record."""
    if len(after.approvals) != len(row.approvals):
        earlier = {each.approver: each for each in row.approvals}
        row.approvals = tuple(
            earlier.get(each.approver)
            or ApprovalRow(each.approver, each.person, text.note, moment.at, each.through)
            for each in after.approvals
        )
    row.rejections += tuple(
        RejectionRow(each.approver, each.person, text.note, moment.at)
        for each in after.rejections[len(row.rejections) :]
    )


def _write_claim(row: RequestRow, claimed: Applying | None) -> None:
    """The current claim. A change that was released again has none."""
    row.applier = None if claimed is None else claimed.applier
    row.claim = None if claimed is None else claimed.claim
    row.claimed_at = None if claimed is None else claimed.since
    row.lease_end = None
    row.proposals = ()


def _write_unsettled(
    row: RequestRow, after: Unsettled, event: RequestEvent, text: SenderText, moment: Moment
) -> None:
    if isinstance(event, OutcomeUnknown):
        row.outcome_message = failure_message(event, text) or None
    if not after.proposals:
        return
    *_, newest = after.proposals
    agreeing = {each.person: each for each in row.proposals if each.outcome == newest.outcome}
    row.proposals = tuple(
        agreeing.get(each.person)
        or ProposalRow(each.administrator, each.person, each.outcome, text.reason, moment.at)
        for each in after.proposals
    )


def _write_end(row: RequestRow, after: Closed, event: RequestEvent, text: SenderText) -> None:
    match after.status:
        case "rejected":
            row.rejecter, row.rejection_note = after.by, text.note
        case "canceled":
            row.closed_by, row.closing_reason = after.by, None if after.by is None else text.reason
        case "completed" | "failed":
            row.reporter = after.by
            row.outcome_message = failure_message(event, text) or text.reason or None
            row.made_version = _version(event)
            row.proposals = ()
        case _:
            pass


def _version(event: RequestEvent) -> str | None:
    made = event.version if isinstance(event, RequestCompleted) else UNSET
    return None if made is UNSET else made


def take_record(rows: dict[int, RequestRow], record: LedgerRecord, events: tuple[Event, ...]) -> None:
    """Apply one accepted record to the rows, which are by seq.

    Raises KeyError for a request without a row, ImpossibleEventError.
    """
    moment, text = Moment(record.seq, record.at), sender_text(record)
    states: dict[int, Request | None] = {}
    for event in events:
        if isinstance(event, ChangeSubmitted):
            rows[record.seq] = open_row(event, text, moment)
        elif not isinstance(event, OfNoRequest):
            seq = seq_of(event.request)
            row = rows[seq]
            before = states[seq] if seq in states else _state(row)
            states[seq] = fold(row, before, event, text, moment)


def seq_of(request: str) -> int:
    """The seq in a request's id. Raises IncoherentRecordError if it is not one."""
    place = parse_request_id(request)
    if place is None:
        msg = f"an event names the request {request[:40]!r}"
        raise IncoherentRecordError(msg)
    return place[1]
