"""Complete: the requester releases the approved change to the applier (R1, R12)."""

from typing import assert_never

from assent.core.requests.approvers import has_quorum
from assent.core.requests.context import Context, refuse
from assent.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.commands import Complete
from assent_contracts.events import ChangeReleased, Event
from assent_contracts.refusals import Refusal, RefusalCode


def decide_complete(request: Request, command: Complete, context: Context) -> tuple[Event, ...] | Refusal:
    """The quorum is counted again: an approver may have lost the right since."""
    if isinstance(request, Closed):
        return refuse(RefusalCode.NOT_APPROVED, f"The request has ended: {request.status}.")
    if request.submission.requester != context.principal.id:
        return refuse(RefusalCode.NOT_REQUESTER, "R12: only the requester can complete.")
    match request:
        case NeedsApproval():
            return refuse(RefusalCode.NOT_APPROVED, "R1: the request needs approval first.")
        case Approved():
            return _release(request, command, context)
        case Released() | Applying() | Unsettled():
            return refuse(RefusalCode.ALREADY_DECIDED, "The change is released already.")
        case _:
            assert_never(request)


def _release(request: Approved, command: Complete, context: Context) -> tuple[Event, ...] | Refusal:
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_APPROVED, "R14: the request has expired.")
    submission = request.submission
    if not has_quorum(submission, request.approvals, context.governance):
        return refuse(RefusalCode.NOT_APPROVED, "An approver is no longer eligible: the quorum is not met.")
    return (
        ChangeReleased(
            request=command.request,
            resource=submission.resource,
            digest=submission.digest,
            deadline=context.at + context.governance.settings.expiry_ms,
        ),
    )
