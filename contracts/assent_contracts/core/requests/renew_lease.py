"""RenewLease: the applier that holds the claim extends its lease."""

from typing import assert_never

from assent_contracts.commands import RenewLease
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.current_claim import superseded
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
from assent_contracts.events import Event, LeaseRenewed
from assent_contracts.limits import CLAIM_MAX_MS
from assent_contracts.refusals import Refusal, RefusalCode


def decide_renewal(request: Request, command: RenewLease, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a renewal. A lease that has ended stays ended: an unknown outcome never becomes known by it."""
    if isinstance(request, NeedsApproval | Approved):
        return refuse(RefusalCode.NOT_CLAIMED, "Nobody has claimed the change.")
    other = superseded(request, command.claim)
    if other is not None:
        return other
    match request:
        case Released():
            return refuse(RefusalCode.NOT_CLAIMED, "Nobody has claimed the change.")
        case Applying():
            return _renew(request, command, context)
        case Unsettled():
            return refuse(RefusalCode.LEASE_ENDED, "The lease has ended: the outcome is unknown.")
        case Closed():
            return refuse(RefusalCode.NOT_CLAIMED, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)


def _renew(request: Applying, command: RenewLease, context: Context) -> tuple[Event, ...] | Refusal:
    if request.applier != context.principal.id:
        return refuse(RefusalCode.NOT_CLAIMED, f"{request.applier} has claimed the change, not you.")
    if request.deadline <= context.at:
        return refuse(RefusalCode.LEASE_ENDED, "The lease has ended.")
    longest = request.since + CLAIM_MAX_MS
    if request.deadline >= longest:
        return refuse(RefusalCode.LEASE_LIMIT, "A claim is held for at most 24 hours.")
    deadline = min(context.at + context.governance.settings.lease_ms, longest)
    return (
        LeaseRenewed(
            request=command.request,
            applier=request.applier,
            # The setting may have been lowered. A renewal never shortens a lease.
            deadline=max(deadline, request.deadline),
        ),
    )
