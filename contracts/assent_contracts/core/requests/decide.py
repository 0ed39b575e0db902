"""Pass each command to its rule."""

from typing import Final, assert_never

from msgspec import UNSET, UnsetType

from assent_contracts.commands import (
    Approve,
    Cancel,
    Claim,
    CloseFinding,
    CloseRequest,
    Command,
    Complete,
    ConfirmSet,
    Reject,
    RenewLease,
    ReportFinding,
    ReportOutcome,
    RequestCommand,
    Revoke,
    Settle,
    SubmitChange,
)
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approve import decide_approve
from assent_contracts.core.requests.cancel import decide_cancel
from assent_contracts.core.requests.claim import decide_claim
from assent_contracts.core.requests.close import decide_close
from assent_contracts.core.requests.close_finding import decide_close_finding
from assent_contracts.core.requests.complete import decide_complete
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.reject import decide_reject
from assent_contracts.core.requests.renew_lease import decide_renewal
from assent_contracts.core.requests.report_finding import decide_report_finding
from assent_contracts.core.requests.report_outcome import decide_report
from assent_contracts.core.requests.revoke import decide_revoke
from assent_contracts.core.requests.sets import decide_in_set
from assent_contracts.core.requests.settle import decide_settlement
from assent_contracts.core.requests.states import Request
from assent_contracts.core.requests.submit import decide_submit
from assent_contracts.events import Event
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal, RefusalCode

RequestDecision = tuple[Event, ...] | Refusal
_OF_SERVICES: Final = (Claim, RenewLease, ReportOutcome, ConfirmSet)


def decide(state: PartitionState, command: Command, context: Context) -> RequestDecision:
    """Decide a command whose sender is verified. Changes nothing: `PartitionState.record` does that."""
    if isinstance(command, SubmitChange):
        return misrouted(command, context) or decide_submit(
            state.open_request(command.resource),
            state.open_requests_of(command.principal),
            command,
            context,
            state.versions.newest(command.resource),
        )
    if isinstance(command, ReportFinding):
        return misrouted(command, context) or decide_report_finding(state.findings, command, context)
    if isinstance(command, CloseFinding):
        return misrouted(command, context) or decide_close_finding(state.findings, command, context)
    request = state.find(command.request, command.resource)
    if request is None:
        return misrouted(command, context) or refuse(
            RefusalCode.UNKNOWN_REQUEST, f"There is no request {command.request} for {command.resource}."
        )
    return decide_on(request, state.last_seq(command.request), command, context)


def decide_on(request: Request, last: int, command: RequestCommand, context: Context) -> RequestDecision:
    """Decide a command on this request. `last`: the seq of the latest record that has changed it."""
    decision = decide_in_set(request, command, context)
    if decision is None:
        decision = _by_its_rule(request, command, context)
    if isinstance(decision, Refusal) or isinstance(command, _OF_SERVICES):
        return decision
    return _not_as_seen(command.seen, last) or decision


def _not_as_seen(seen: int | UnsetType, last: int) -> Refusal | None:
    """R16, R23: refuse, and so record, a decision on a request that has changed since it was shown."""
    if seen is UNSET or seen == last:
        return None
    return refuse(
        RefusalCode.OUTDATED, f"The request has changed since it was shown: its last change is seq {last}."
    )


def _by_its_rule(  # noqa: C901  an arm each
    request: Request, command: RequestCommand, context: Context
) -> RequestDecision:
    match command:
        case Approve():
            return decide_approve(request, command, context)
        case Complete():
            return decide_complete(request, command, context)
        case Claim():
            return decide_claim(request, command, context)
        case RenewLease():
            return decide_renewal(request, command, context)
        case ReportOutcome():
            return decide_report(request, command, context)
        case Reject():
            return decide_reject(request, command, context)
        case Revoke():
            return decide_revoke(request, command, context)
        case Cancel():
            return decide_cancel(request, command, context)
        case CloseRequest():
            return decide_close(request, command, context)
        case Settle():
            return decide_settlement(request, command, context)
        case ConfirmSet():
            return refuse(RefusalCode.NOT_PENDING, "R29: this is not a set.")
        case _:
            assert_never(command)


def misrouted(command: Command, context: Context) -> Refusal | None:
    """The refusal of a command in another partition than its object's; else None.

    A request that is known here belongs to this partition, so only commands that find no request are checked.
    """
    right = partition_for(command.resource.encode(), context.governance.partitions)
    if right == context.partition:
        return None
    return Refusal(
        code=RefusalCode.MISROUTED,
        detail=f"{command.resource} belongs in partition {right}, not {context.partition}.",
        partition=right,
    )
