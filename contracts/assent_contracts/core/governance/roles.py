"""Role assignments: give a role to groups and principals, or take it away."""

from assent_contracts import limits
from assent_contracts.core.governance.fields import bad_id, out_of_date, refuse, twice
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance import GovernanceEvent, RoleAssigned, RoleWithdrawn
from assent_contracts.governance_changes import AssignRole, WithdrawRole, role_object
from assent_contracts.governed import RoleAssignment
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import is_type_name


def assign_role(governance: Governance, change: AssignRole) -> tuple[GovernanceEvent, ...] | Refusal:
    """A new assignment, or an existing one as it is to be."""
    assignment = change.assignment
    bad = bad_id("role assignment", assignment.id) or out_of_date(
        governance, role_object(assignment.id), change.version
    )
    if bad is not None:
        return bad
    if governance.assignments.get(assignment.id) == assignment:
        return refuse(RefusalCode.ALREADY_SO, f"role assignment {assignment.id} is so already.")
    return _bad_assignment(governance, assignment) or (RoleAssigned(assignment=assignment),)


def _bad_assignment(governance: Governance, assignment: RoleAssignment) -> Refusal | None:
    what = f"role assignment {assignment.id}"
    for names in (assignment.groups, assignment.principals, assignment.resource_types):
        if len(names) > limits.ASSIGNED_MAX:
            return refuse(RefusalCode.TOO_LARGE, f"{what}: at most {limits.ASSIGNED_MAX:,} of each.")
        repeated = twice(names)
        if repeated is not None:
            return refuse(RefusalCode.MALFORMED, f"{what}: {repeated[:128]!r} stands there twice.")
    if not assignment.groups and not assignment.principals:
        return refuse(RefusalCode.MALFORMED, f"{what} is for nobody: name groups or principals.")
    if not all(is_type_name(kind) for kind in assignment.resource_types):
        return refuse(RefusalCode.MALFORMED, f"{what}: that is no resource type.")
    return _bad_holders(governance, assignment, what)


def _bad_holders(governance: Governance, assignment: RoleAssignment, what: str) -> Refusal | None:
    for group in assignment.groups:
        if group not in governance.groups:
            return refuse(RefusalCode.UNKNOWN_OBJECT, f"{what}: there is no group {group[:128]!r}.")
    for name in assignment.principals:
        if name not in governance.principals:
            return refuse(RefusalCode.UNKNOWN_OBJECT, f"{what}: there is no principal {name[:128]!r}.")
        # A human in a group of gateways is none either: `sender` and `signing` see to that.
        if assignment.role == "gateway" and governance.principals[name].person is not None:
            return refuse(
                RefusalCode.WRONG_KIND, f"{what}: {name} is a human, and only services are gateways."
            )
    return None


def withdraw_role(governance: Governance, change: WithdrawRole) -> tuple[GovernanceEvent, ...] | Refusal:
    """The assignment goes as a whole; to take it from some, assign it again without them."""
    return out_of_date(governance, role_object(change.assignment), change.version) or (
        RoleWithdrawn(assignment=change.assignment),
    )
