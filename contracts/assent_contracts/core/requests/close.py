"""CloseRequest: an administrator of the type ends an open request, with a reason (R22)."""

from typing import assert_never

from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.commands import CloseRequest
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import EVERY_TYPE
from assent_contracts.core.requests.affected_person import affects_person
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Submission,
    Unsettled,
)
from assent_contracts.events import Event, RequestClosed
from assent_contracts.limits import SET_MEMBER_GRACE_MS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def decide_close(request: Request, command: CloseRequest, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a closing. Nothing is applied, and what may have been applied is never called canceled.

    So a request that an applier has claimed is not closed. The applier reports its outcome, and people settle
    an unknown one.
    """
    if isinstance(request, Closed):
        return refuse(RefusalCode.NOT_PENDING, f"The request has ended: {request.status}.")
    forbidden = _may_not_close(request.submission, context)
    if forbidden is not None:
        return forbidden
    match request:
        case NeedsApproval() | Approved():
            pass
        case Released():
            if resource_type(request.submission.resource) in BUILT_IN_TYPES:
                # The governance ledger may already have the change.
                return refuse(RefusalCode.BEING_APPLIED, "R22: Assent is carrying the change out.")
            if _has_open_members(request.submission, context.at):
                return refuse(
                    RefusalCode.BEING_APPLIED,
                    "R29: the set's members are released and may be applied: close each of them.",
                )
        case Applying():
            return refuse(
                RefusalCode.BEING_APPLIED, f"R22: {request.applier} has claimed the change and may apply it."
            )
        case Unsettled():
            return refuse(
                RefusalCode.BEING_APPLIED, "R22: the outcome is unknown; the change may have been applied."
            )
        case _:
            assert_never(request)
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    return (RequestClosed(request=command.request, closed_by=context.principal.id),)


def _has_open_members(submission: Submission, at: int) -> bool:
    """R29: whether a released set may have members that are not over. After that it can be closed again."""
    return submission.members > 0 and at < submission.not_after + SET_MEMBER_GRACE_MS


def _may_not_close(submission: Submission, context: Context) -> Refusal | None:
    principal, governance = context.principal, context.governance
    kind = resource_type(submission.resource)
    administered = EVERY_TYPE if kind in BUILT_IN_TYPES else kind
    if principal.person is None or not governance.has_role(principal.id, "administrator", administered):
        of = f" for {administered}" if administered else ""
        return refuse(
            RefusalCode.NOT_PERMITTED, f"R22: only a person with the role administrator{of} closes a request."
        )
    if principal.person == submission.person:
        return refuse(
            RefusalCode.OWN_REQUEST, "R22: another administrator must close it; your own you can cancel."
        )
    if affects_person(governance, submission.resource, principal.person):
        return refuse(RefusalCode.OWN_REQUEST, "R22: the change is about you: another administrator decides.")
    return None
