"""A request's row as the rules see it. Pure."""

from msgspec import UNSET

from assent.store.queries import RequestView
from assent_contracts.core.requests.permissions import Deciding
from assent_contracts.core.requests.states import (
    Approval,
    Open,
    Proposal,
    Rejection,
    Submission,
    open_state,
)
from assent_contracts.limits import FOR_EVER_MS


def submission_of_row(row: RequestView) -> Submission:
    """The part of a submission that the rules use, from the request's row."""
    return Submission(
        row.seq,
        row.resource,
        row.requester,
        row.person,
        row.submission,
        row.digest,
        row.terms,
        row.on_behalf_of,
        0 if row.details.not_before is UNSET else row.details.not_before,
        FOR_EVER_MS if row.details.not_after is UNSET else row.details.not_after,
        row.details.emergency is True,
        0 if row.details.members is UNSET else row.details.members,
        None if row.details.part_of is UNSET else row.details.part_of,
        # Until a set is whole, the rules let nothing happen to it that does not end it.
        row.details.members is UNSET or row.last_seq > row.seq,
    )


def state_of_row(row: RequestView) -> Open | None:
    """The rules' state of an open request, from its row; None for an ended one."""
    return open_state(
        row.status,
        row.progress,
        submission_of_row(row),
        tuple(Approval(each.approver, each.person, each.through) for each in row.approvals),
        tuple(Rejection(each.approver, each.person) for each in row.rejections),
        deadline=row.deadline or FOR_EVER_MS,
        applier=row.applier or "",
        claim=-1 if row.claim is None else row.claim,
        claimed_at=row.claimed_at or 0,
        proposals=tuple(Proposal(each.administrator, each.person, each.outcome) for each in row.proposals),
    )


def deciding_of_row(row: RequestView) -> Deciding | None:
    """The state of a request that can still be decided on, from its row; None for all others."""
    state = state_of_row(row)
    return state if isinstance(state, Deciding) else None
