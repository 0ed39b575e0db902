"""Role assignments: assign a role to groups and principals, or withdraw it."""

from typing import Final

from assent_contracts import limits
from assent_contracts.core.governance.change_rules import ChangeRules, defines, deletes
from assent_contracts.core.governance.field_changes import FieldChange, becomes, changed_fields
from assent_contracts.core.governance.field_limits import bad_id, out_of_date, refuse, twice
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import AssignRole, WithdrawRole, group_object, role_object
from assent_contracts.governance_messages import GovernanceEvent, RoleAssigned, RoleWithdrawn
from assent_contracts.governance_objects import Role, RoleAssignment
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import is_type_name

GUARDED_ROLES: frozenset[Role] = frozenset({"administrator", "approver", "gateway", "directory"})
"""The roles that allow deciding, or signing for those who decide. Only two people can grant them."""


def holds_role(governance: Governance, principal: str, role: Role) -> bool:
    """Whether the account holds the role for at least one resource type."""
    return any(
        each.role == role
        and (principal in each.principals or principal in governance.members_of_any(each.groups))
        for each in governance.assignments.values()
    )


def assign_role(governance: Governance, change: AssignRole) -> tuple[GovernanceEvent, ...] | Refusal:
    """Create a role assignment, or replace an existing one."""
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
        # A human in a group of gateways is not a gateway either: `sender` and `signing` ensure that.
        if assignment.role == "gateway" and governance.principals[name].person is not None:
            return refuse(
                RefusalCode.WRONG_KIND, f"{what}: {name} is a human, and only services are gateways."
            )
    return None


def withdraw_role(governance: Governance, change: WithdrawRole) -> tuple[GovernanceEvent, ...] | Refusal:
    """Withdraw a whole assignment. To withdraw it from some holders, assign it again without them."""
    return out_of_date(governance, role_object(change.assignment), change.version) or (
        RoleWithdrawn(assignment=change.assignment),
    )


def _why_role(governance: Governance, assignment: str, *roles: Role) -> str | None:
    before = governance.assignments.get(assignment)
    for role in roles if before is None else (*roles, before.role):
        if role in GUARDED_ROLES:
            return f"it concerns the role {role}"
    return None


def holders_text(assignment: RoleAssignment) -> str:
    """The holders of a role by this assignment: `group a, bob`."""
    return ", ".join([*(f"group {group}" for group in assignment.groups), *assignment.principals])


def _sentence(assignment: RoleAssignment, governance: Governance) -> str:
    before = governance.assignments.get(assignment.id)
    if before is None:
        return f"Give the role {assignment.role}{_for(assignment)} to {holders_text(assignment)}."
    difference = becomes(_difference(before, assignment, governance))
    return f"Change role assignment {assignment.id} ({assignment.role}): {difference}."


def _withdrawal(name: str, governance: Governance) -> str:
    before = governance.assignments.get(name)
    if before is None:
        return f"Withdraw role assignment {name}."
    role = f"the role {before.role}{_for(before)}"
    return f"Withdraw {role} from {holders_text(before)} ({before.id})."


def _for(assignment: RoleAssignment) -> str:
    return f" for {', '.join(assignment.resource_types)}" if assignment.resource_types else ""


def _difference(
    before: RoleAssignment | None, after: RoleAssignment | None, governance: Governance
) -> tuple[FieldChange, ...]:
    was, will = _holders(before, governance), _holders(after, governance)
    return (
        *changed_fields(
            ("role", before and before.role, after and after.role),
            ("resource types", _types(before), _types(after)),
        ),
        *(FieldChange("holder", None, name) for name in sorted(will - was)),
        *(FieldChange("holder", name, None) for name in sorted(was - will)),
    )


def _holders(assignment: RoleAssignment | None, governance: Governance) -> set[str]:
    """The groups and all holders by name, so that approvers see who gets the role."""
    if assignment is None:
        return set()
    members = {
        f"{member} (in group {group})" for group in assignment.groups for member in governance.members(group)
    }
    return {*(f"group {group}" for group in assignment.groups), *members, *assignment.principals}


def _types(assignment: RoleAssignment | None) -> str | None:
    if assignment is None:
        return None
    return ", ".join(assignment.resource_types) or "every type"


ASSIGN_ROLE: Final = ChangeRules[AssignRole](
    decide=lambda governance, change, _at: assign_role(governance, change),
    operation=defines,
    sentence=lambda change, governance: _sentence(change.assignment, governance),
    difference=lambda change, governance: _difference(
        governance.assignments.get(change.assignment.id), change.assignment, governance
    ),
    why_approval=lambda governance, change, _asker: _why_role(
        governance, change.assignment.id, change.assignment.role
    ),
    given_power=lambda change: frozenset(map(group_object, change.assignment.groups)),
    brings_in=True,
)
WITHDRAW_ROLE: Final = ChangeRules[WithdrawRole](
    decide=lambda governance, change, _at: withdraw_role(governance, change),
    operation=deletes,
    sentence=lambda change, governance: _withdrawal(change.assignment, governance),
    difference=lambda change, governance: _difference(
        governance.assignments.get(change.assignment), None, governance
    ),
    why_approval=lambda governance, change, _asker: _why_role(governance, change.assignment),
)
