"""Commands about role assignments."""

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.commands.groups import Names
from assent.cli.options import (
    DEFAULT_ACCESS,
    DEFAULT_CHANGE_OPTIONS,
    DEFAULT_OPTIONS,
    AccessOptions,
    ChangeOptions,
    Options,
)

if TYPE_CHECKING:
    from assent_contracts.governance_objects import RoleAssignment

roles = App(
    name="roles", group="Governance", help="Role assignments: the permissions of accounts and groups."
)

Role = Literal[
    "administrator", "requester", "approver", "applier", "auditor", "gateway", "directory", "reconciler"
]


@roles.command(name="list")
def list_roles(
    *,
    of: Annotated[str | None, Parameter(help="Only those that this account holds.")] = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List the role assignments."""
    import msgspec

    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_table
    from assent_contracts.core.governance.roles import holders_text
    from assent_contracts.governance_changes import role_object

    governance = governance_now(access, options)
    mine = [group for group in governance.groups if of is not None and of in governance.members(group)]
    found = [
        each for each in governance.assignments.values() if of is None or holds_by_assignment(each, of, mine)
    ]
    if options.json:
        versions = {each.id: governance.version(role_object(each.id)) for each in found}
        output.print_json([{**msgspec.structs.asdict(each), "version": versions[each.id]} for each in found])
        return
    rows = (
        (each.id, each.role, holders_text(each), ", ".join(each.resource_types) or "every type")
        for each in found
    )
    print_table(("assignment", "role", "holders", "for"), rows, empty="No role assignments.")


def holds_by_assignment(assignment: "RoleAssignment", principal: str, groups: list[str]) -> bool:
    """Whether an account that is in these groups has the role by this assignment."""
    return principal in assignment.principals or any(group in assignment.groups for group in groups)


@roles.command(name="assign")
def assign_role(
    assignment: Annotated[str, Parameter(help="The assignment's id, new or not.")],
    role: Annotated[Role, Parameter(help="The role.")],
    *,
    group: Annotated[Names, Parameter(help="A group that gets it; repeat it for several.")] = (),
    principal: Annotated[Names, Parameter(help="An account that gets it; repeat it for several.")] = (),
    type_: Annotated[
        Names, Parameter(name="--type", help="A resource type that it is limited to; repeat it for several.")
    ] = (),
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Give a role. An existing assignment of this id is replaced.

    Example: assent roles assign auditors auditor --group audit --principal dave --as bob
    """
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import AssignRole, role_object
    from assent_contracts.governance_objects import RoleAssignment

    wanted = RoleAssignment(
        id=assignment, role=role, groups=group, principals=principal, resource_types=type_
    )
    change_governance(
        lambda governance: AssignRole(assignment=wanted, version=governance.version(role_object(assignment))),
        change_options=change_options,
        access=access,
        options=options,
    )


@roles.command(name="withdraw")
def withdraw_role(
    assignment: Annotated[str, Parameter(help="The assignment's id; `assent roles list` lists them.")],
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Delete a role assignment."""
    from assent.cli.governance_change import change_governance, version
    from assent_contracts.governance_changes import WithdrawRole, role_object

    change_governance(
        lambda governance: WithdrawRole(
            assignment=assignment, version=version(governance, role_object(assignment))
        ),
        change_options=change_options,
        access=access,
        options=options,
    )
