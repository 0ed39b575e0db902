"""Claim: one applier claims a released change for the time of a lease."""

from typing import assert_never

from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.commands import Claim
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.separate_operator import not_separate
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.core.requests.window import not_yet
from assent_contracts.events import ChangeClaimed, Event
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def decide_claim(request: Request, command: Claim, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a claim. The first one wins: a second claim is refused both during the lease and after it."""
    kind = resource_type(command.resource)
    if kind in BUILT_IN_TYPES:
        return refuse(RefusalCode.NOT_AN_APPLIER, "Assent carries out changes to governance itself.")
    if not context.governance.has_role(context.principal.id, "applier", kind):
        return refuse(RefusalCode.NOT_AN_APPLIER, f"You do not have the role applier for {kind}.")
    match request:
        case NeedsApproval() | Approved():
            return refuse(RefusalCode.NOT_RELEASED, "R1: the change is not released.")
        case Released():
            if request.deadline <= context.at:
                return refuse(RefusalCode.NOT_RELEASED, "R14: the request has expired.")
            barred = not_yet(request.submission, context.governance, context.at) or not_separate(
                request, context
            )
            if barred is not None:
                return barred
            return (
                ChangeClaimed(
                    request=command.request,
                    applier=context.principal.id,
                    digest=request.submission.digest,
                    deadline=context.at + context.governance.settings.lease_ms,
                ),
            )
        case Applying():
            return refuse(RefusalCode.ALREADY_DECIDED, f"{request.applier} has claimed the change.")
        case Unsettled():
            return refuse(RefusalCode.ALREADY_DECIDED, "The outcome is unknown: people must settle it first.")
        case Closed():
            return refuse(RefusalCode.NOT_RELEASED, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)
