"""How an event changes a request."""

from functools import lru_cache
from sys import intern
from typing import Final, assert_never

import msgspec
from msgspec import UNSET

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.core.requests.states import (
    Applying,
    Approval,
    Approved,
    Closed,
    NeedsApproval,
    Open,
    Proposal,
    Rejection,
    Released,
    Request,
    Submission,
    Unsettled,
)
from assent_contracts.events import (
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRevoked,
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    LeaseRenewed,
    MembersReserved,
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
    SettlementProposed,
    Status,
)
from assent_contracts.limits import FOR_EVER_MS


class ImpossibleEventError(Exception):
    """An accepted record has an event that no decision on this request could have made."""


@lru_cache(maxsize=1_024)
def _shared(terms: tuple[PolicyTerms, ...]) -> tuple[PolicyTerms, ...]:
    # A million open requests have few different terms, so one copy of each is kept.
    return terms


def open_request(event: ChangeSubmitted, seq: int) -> NeedsApproval:
    """A new request, from the event at `seq`."""
    submission = Submission(
        seq,
        event.resource,
        intern(event.requester),
        intern(event.person),
        event.submission,
        event.digest,
        _shared(event.terms),
        None if event.on_behalf_of is UNSET else intern(event.on_behalf_of),
        0 if event.not_before is UNSET else event.not_before,
        FOR_EVER_MS if event.not_after is UNSET else event.not_after,
        event.emergency is True,
        0 if event.members is UNSET else event.members,
        None if event.part_of is UNSET else event.part_of,
        event.members is UNSET,
    )
    return NeedsApproval(submission, (), (), event.deadline)


class _End(msgspec.Struct, frozen=True):
    status: Status
    out_of: tuple[type[Open], ...]
    by: str = ""
    """The event's field that names the account that ended it."""


_ENDS: Final[dict[type[RequestEnd], _End]] = {
    RequestCompleted: _End("completed", (Applying, Unsettled, Released), "reporter"),
    RequestFailed: _End("failed", (Applying, Unsettled, Released), "reporter"),
    RequestRejected: _End("rejected", (NeedsApproval,), "approver"),
    RequestCanceled: _End("canceled", (NeedsApproval,)),
    # R13 has no separate status for it. The event names who closed it.
    RequestClosed: _End("canceled", (NeedsApproval, Approved, Released), "closed_by"),
    RequestExpired: _End("expired", (NeedsApproval, Approved, Released)),
}
"""For each event that ends a request: the status, and the states in which it can happen."""


_Applied = ChangeReleased | ChangeClaimed | LeaseRenewed | OutcomeUnknown | SettlementProposed
_Deciding = (
    MembersReserved
    | ApprovalGiven
    | ApprovalLapsed
    | RequestReopened
    | RejectionGiven
    | RequestApproved
    | ApprovalRevoked
)
_Going = ChangeSubmitted | _Deciding | _Applied


def evolve(request: Open, event: RequestEvent, at: int, seq: int) -> Request:
    """The request after `event`, in the record `seq` at log time `at` (ms).

    Raises ImpossibleEventError if the event does not fit the state.
    """
    after = (
        _ended(request, event, at) if isinstance(event, RequestEnd) else _moved_on(request, event, at, seq)
    )
    if after is None:
        msg = f"{type(event).__name__} on a request that is {type(request).__name__}"
        raise ImpossibleEventError(msg)
    return after


def _ended(request: Open, event: RequestEnd, at: int) -> Closed | None:
    end = _ENDS[type(event)]
    if not isinstance(request, end.out_of):
        return None
    by = intern(getattr(event, end.by)) if end.by else None
    claim = request.claim if isinstance(request, Applying | Unsettled) else None
    return Closed(request.submission.resource, end.status, at, by, claim)


def _without(approvals: tuple[Approval, ...], approver: str) -> tuple[Approval, ...]:
    return tuple(each for each in approvals if each.approver != approver)


def _moved_on(request: Open, event: _Going, at: int, seq: int) -> Open | None:
    match event:
        case ChangeReleased() | ChangeClaimed() | LeaseRenewed() | OutcomeUnknown() | SettlementProposed():
            return _applied_on(request, event, at, seq)
        case ChangeSubmitted():
            return None
        case _:
            return _decided_on(request, event)


def _decided_on(request: Open, event: _Deciding) -> Open | None:  # noqa: C901, PLR0912  an arm each
    """The request after what approvers decided, before its release; None if the event does not fit."""
    match event:
        case MembersReserved():
            if isinstance(request, NeedsApproval):
                submission = msgspec.structs.replace(request.submission, is_whole=True)
                return NeedsApproval(submission, request.approvals, request.rejections, event.deadline)
        case ApprovalGiven():
            if isinstance(request, NeedsApproval):
                through = None if event.through is UNSET else intern(event.through)
                approvals = (*request.approvals, Approval(event.approver, event.person, through))
                return NeedsApproval(request.submission, approvals, request.rejections, event.deadline)
        case RequestApproved():
            if isinstance(request, NeedsApproval):
                return Approved(request.submission, request.approvals, request.rejections, request.deadline)
        case RequestReopened():
            if isinstance(request, Approved):
                return NeedsApproval(
                    request.submission, request.approvals, request.rejections, request.deadline
                )
        case ApprovalLapsed():
            if isinstance(request, (NeedsApproval, Approved)):
                approvals = _without(request.approvals, event.approver)
                return msgspec.structs.replace(request, approvals=approvals)
        case RejectionGiven():
            if isinstance(request, NeedsApproval):
                rejections = (*request.rejections, Rejection(event.approver, event.person))
                return msgspec.structs.replace(request, rejections=rejections)
        case ApprovalRevoked():
            if isinstance(request, (NeedsApproval, Approved)):
                approvals = _without(request.approvals, event.approver)
                return NeedsApproval(request.submission, approvals, request.rejections, event.deadline)
        case _:
            assert_never(event)
    return None


def _applied_on(  # noqa: C901  an arm each
    request: Open, event: _Applied, at: int, seq: int
) -> Open | None:
    """The request after a release or what followed it; None if the event does not fit."""
    submission = request.submission
    match event:
        case ChangeReleased():
            if (
                isinstance(request, (NeedsApproval, Approved, Unsettled))
                and event.digest == submission.digest
            ):
                return Released(submission, event.deadline, request.approvals)
        case ChangeClaimed():
            if isinstance(request, Released) and event.digest == submission.digest:
                return Applying(submission, intern(event.applier), event.deadline, seq, at, request.approvals)
        case LeaseRenewed():
            if isinstance(request, Applying) and event.applier == request.applier:
                return msgspec.structs.replace(request, deadline=event.deadline)
        case OutcomeUnknown():
            if isinstance(request, Applying):
                return Unsettled(submission, request.applier, request.claim, request.approvals)
        case SettlementProposed():
            if isinstance(request, Unsettled):
                return msgspec.structs.replace(request, proposals=_with(request.proposals, event))
        case _:
            assert_never(event)
    return None


def _with(before: tuple[Proposal, ...], event: SettlementProposed) -> tuple[Proposal, ...]:
    """The proposals with this one, which replaces those of another outcome and the person's own."""
    agreeing = tuple(each for each in before if each.outcome == event.outcome and each.person != event.person)
    return (*agreeing, Proposal(intern(event.administrator), intern(event.person), event.outcome))
