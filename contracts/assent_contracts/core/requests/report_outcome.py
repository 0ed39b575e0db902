"""ReportOutcome: the outcome of the change (R12)."""

from typing import assert_never

from assent_contracts.commands import ReportOutcome
from assent_contracts.core.governance.field_limits import refuse
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
from assent_contracts.events import Event, OutcomeUnknown, RequestCompleted, RequestFailed
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def decide_report(request: Request, command: ReportOutcome, context: Context) -> tuple[Event, ...] | Refusal:
    """Decide a report. The applier may also report late. An administrator settles an unknown outcome."""
    match request:
        case NeedsApproval() | Approved() | Released():
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
    kind = resource_type(command.resource)
    administers = principal.person is not None and context.governance.has_role(
        principal.id, "administrator", kind
    )
    if request.applier != principal.id and not administers:
        return refuse(
            RefusalCode.NOT_CLAIMED, "Only its applier or an administrator can settle an unknown outcome."
        )
    if administers and principal.person == request.submission.person:
        return refuse(RefusalCode.OWN_REQUEST, "Another administrator must settle your own request.")
    if command.outcome == "unknown":
        return refuse(RefusalCode.ALREADY_DECIDED, "The outcome is unknown already.")
    return (_outcome(command, principal.id),)


def _outcome(command: ReportOutcome, reporter: str) -> Event:
    match command.outcome:
        case "succeeded":
            return RequestCompleted(request=command.request, reporter=reporter)
        case "failed":
            return RequestFailed(request=command.request, reporter=reporter)
        case "unknown":
            return OutcomeUnknown(request=command.request, cause="reported")
        case _:
            assert_never(command.outcome)
