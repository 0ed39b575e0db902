"""CloseFinding: a person who is responsible for the type closes a finding, with the explanation (R28)."""

from assent_contracts.commands import CloseFinding
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.object_findings import ObjectFindings
from assent_contracts.events import Event, FindingClosed
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import parse_request_id, resource_type


def decide_close_finding(
    findings: ObjectFindings, command: CloseFinding, context: Context
) -> tuple[Event, ...] | Refusal:
    """Decide the closing of an open finding. `findings`: those of the partition."""
    kind = resource_type(command.resource)
    if not can_close_findings(context.principal, kind, context.governance):
        return refuse(
            RefusalCode.NOT_PERMITTED, f"R28: only administrators and approvers of {kind} close its findings."
        )
    place = parse_request_id(command.finding)
    if place is None or place[0] != context.partition or not findings.is_open(place[1], command.resource):
        return refuse(
            RefusalCode.UNKNOWN_FINDING,
            f"R28: there is no open finding {command.finding} of {command.resource}.",
        )
    return (FindingClosed(finding=command.finding, closed_by=context.principal.id),)


def can_close_findings(principal: Principal, kind: str, governance: Governance) -> bool:
    """Whether an account can close the findings of a type: a person who administers it or approves for it."""
    if principal.person is None or not principal.enabled:
        return False
    return governance.has_role(principal.id, "administrator", kind) or any(
        principal.id in governance.members_of_any(rule.groups)
        for terms in governance.terms_for(kind)
        for rule in terms.rules
    )
