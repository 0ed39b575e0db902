"""ReportFinding: a reconciler records that a target differs from what was applied, once (R28)."""

from msgspec import UNSET

from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.commands import ReportFinding
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.object_findings import KnownFinding, ObjectFindings
from assent_contracts.events import Event, FindingReported
from assent_contracts.limits import FINDINGS_OPEN_MAX
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import parse_request_id, request_id, resource_type


def decide_report_finding(
    findings: ObjectFindings, command: ReportFinding, context: Context
) -> tuple[Event, ...] | Refusal:
    """Decide a report. `findings`: those of the partition."""
    newest = findings.newest(command.resource, command.target)
    refusal = (
        _may_not_report(command, context)
        or _unknown_request(command, context)
        or _known(newest, command)
        or _not_after_newest(findings, command, context)
        or _too_many(findings, command)
    )
    if refusal is not None:
        return refusal
    return (
        FindingReported(
            finding=request_id(context.partition, context.seq),
            resource=command.resource,
            target=command.target,
            kind=command.kind,
            reporter=context.principal.id,
            version=command.version,
            request=command.request,
        ),
    )


def _may_not_report(command: ReportFinding, context: Context) -> Refusal | None:
    kind, principal = resource_type(command.resource), context.principal
    if kind in BUILT_IN_TYPES:
        return refuse(
            RefusalCode.NOT_PERMITTED, "R28: governance has no target: Assent carries it out itself."
        )
    # A gateway signs for people. So what a reconciler has seen is signed by the reconciler itself.
    if principal.person is not None or not context.governance.has_role(principal.id, "reconciler", kind):
        return refuse(
            RefusalCode.NOT_PERMITTED,
            f"R28: only a service with the role reconciler for {kind} reports findings.",
        )
    return None


def _unknown_request(command: ReportFinding, context: Context) -> Refusal | None:
    """A request of another partition, or of the future, cannot have been applied to this object."""
    if command.request is UNSET:
        return None
    place = parse_request_id(command.request)
    if place is not None and place[0] == context.partition and place[1] < context.seq:
        return None
    return refuse(
        RefusalCode.UNKNOWN_REQUEST, f"There is no request {command.request} for {command.resource}."
    )


def _known(newest: KnownFinding | None, command: ReportFinding) -> Refusal | None:
    if newest is None:
        return None
    is_same = newest.kind == command.kind and (
        command.kind == "restored"
        or (newest.version, newest.request) == (_text(command.version), _text(command.request))
    )
    if not is_same:
        return None
    return Refusal(
        code=RefusalCode.KNOWN_FINDING,
        detail=f"R28: the newest finding of {command.resource} at {command.target} is this one.",
        decided=newest.seq,
    )


def _not_after_newest(findings: ObjectFindings, command: ReportFinding, context: Context) -> Refusal | None:
    """Two reporters that know the same findings cannot both record what they see."""
    seq = None
    if command.previous is not UNSET:
        place = parse_request_id(command.previous)
        seq = place[1] if place is not None and place[0] == context.partition else -1
    if seq != -1 and findings.is_newest(command.resource, command.target, seq):
        return None
    newest = findings.newest(command.resource, command.target)
    known = "none is known" if newest is None else f"the newest one is {context.partition}-{newest.seq}"
    return refuse(
        RefusalCode.OUTDATED,
        f"R28: other findings of this object at {command.target} were reported: {known}.",
    )


def _too_many(findings: ObjectFindings, command: ReportFinding) -> Refusal | None:
    if command.kind == "restored" or findings.open_count(command.principal) < FINDINGS_OPEN_MAX:
        return None
    return refuse(
        RefusalCode.QUOTA_EXCEEDED,
        f"R28: {FINDINGS_OPEN_MAX:,} findings of {command.principal} are open in this partition: close some.",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
