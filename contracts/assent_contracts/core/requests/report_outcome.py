"""ReportOutcome: the outcome of the change (R12)."""

from typing import assert_never

from assent_contracts.commands import ReportOutcome
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import standing_terms
from assent_contracts.core.requests.current_claim import superseded
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.settle import administers, settlements_needed, settler_refusal
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.events import Event, OutcomeUnknown, RequestCompleted, RequestFailed
from assent_contracts.refusals import Refusal, RefusalCode


def decide_report(request: Request, command: ReportOutcome, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a report. The applier may also report late. An administrator settles an unknown outcome.

    A report that names another claim than the current one is refused, also after the request has ended.
    """
    if isinstance(request, NeedsApproval | Approved):
        return refuse(RefusalCode.NOT_CLAIMED, "Nobody has claimed the change.")
    other = superseded(request, command.claim)
    if other is not None:
        return other
    match request:
        case Released():
            return refuse(RefusalCode.NOT_CLAIMED, "Nobody has claimed the change.")
        case Applying():
            if request.applier != context.principal.id:
                return refuse(RefusalCode.NOT_CLAIMED, f"{request.applier} has claimed the change, not you.")
            return (_outcome(command, context.principal.id),)
        case Unsettled():
            return _settle(request, command, context)
        case Closed():
            return refuse(RefusalCode.NOT_CLAIMED, f"The request has ended: {request.status}.")
        case _:
            assert_never(request)


def _settle(request: Unsettled, command: ReportOutcome, context: Context) -> tuple[Event, ...] | Refusal:
    principal = context.principal
    is_administrator = administers(request.submission, context)
    if request.applier != principal.id and not is_administrator:
        return refuse(
            RefusalCode.NOT_CLAIMED, "Only its applier or an administrator can settle an unknown outcome."
        )
    if is_administrator and principal.person == request.submission.person:
        return refuse(RefusalCode.OWN_REQUEST, "Another administrator must settle your own request.")
    if request.applier != principal.id:
        forbidden = settler_refusal(request, context)
        if forbidden is not None:
            return forbidden
    if command.outcome == "unknown":
        return refuse(RefusalCode.ALREADY_DECIDED, "The outcome is unknown already.")
    terms = standing_terms(request.submission, context.governance)
    if request.applier != principal.id and settlements_needed(terms) > 1:
        return refuse(RefusalCode.SETTLEMENT_REQUIRED, "Two administrators must settle this outcome.")
    return (_outcome(command, principal.id),)


def _outcome(command: ReportOutcome, reporter: str) -> Event:
    match command.outcome:
        case "succeeded":
            return RequestCompleted(request=command.request, reporter=reporter, version=command.version)
        case "failed":
            return RequestFailed(request=command.request, reporter=reporter)
        case "unknown":
            return OutcomeUnknown(request=command.request, cause="reported")
        case _:
            assert_never(command.outcome)
