"""Revoke: an approver withdraws their own approval, as long as nothing was released."""

from typing import assert_never

from assent_contracts.commands import Revoke
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import progress_deadline, standing_terms
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.events import ApprovalRevoked, Event
from assent_contracts.refusals import Refusal, RefusalCode


def decide_revoke(request: Request, command: Revoke, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a revocation. The approval must be this person's own. They need not still be an approver."""
    match request:
        case NeedsApproval() | Approved():
            person = context.principal.person
            mine = [approval for approval in request.approvals if approval.person == person]
            if not mine:
                return refuse(
                    RefusalCode.NOT_AN_APPROVER, "You have no approval on this request to take back."
                )
            if request.deadline <= context.at:
                return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
            return (
                ApprovalRevoked(
                    request=command.request,
                    approver=mine[0].approver,
                    deadline=progress_deadline(
                        standing_terms(request.submission, context.governance),
                        context.governance,
                        context.at,
                        request.submission.not_before,
                        request.submission.not_after,
                    ),
                ),
            )
        case Released() | Applying() | Unsettled():
            return refuse(
                RefusalCode.NOT_PENDING, "The change is released: an approval cannot be taken back now."
            )
        case Closed():
            return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)
