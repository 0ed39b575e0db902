"""GET /api/v1/roles: role assignments, with their resource types."""

import msgspec
from litestar import Response, get

from assent.gateway.api.governance_pages import (
    GOVERNANCE,
    Id,
    PageCursor,
    PageLimit,
    id_in,
    page_of,
    versioned,
)
from assent.gateway.api.policies import version_of
from assent.gateway.problems import not_found
from assent_contracts.core.governance.roles import holders_text
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import role_object
from assent_contracts.governance_objects import RoleAssignment


class RoleView(msgspec.Struct, frozen=True, kw_only=True):
    """The current role assignment. A change to it must name its `version`."""

    assignment: RoleAssignment
    version: int
    sentence: str


class RolePage(msgspec.Struct, frozen=True, kw_only=True):
    """Role assignments, in the order of their ids."""

    roles: list[RoleView]
    next: str | None


def role_view(assignment: RoleAssignment, governance: Governance) -> RoleView:
    """A role assignment with its version and a sentence."""
    types = ", ".join(assignment.resource_types) or "every type"
    return RoleView(
        assignment=assignment,
        version=version_of(governance, role_object(assignment.id)),
        sentence=f"{assignment.role} for {types}: {holders_text(assignment) or 'nobody'}.",
    )


@get("/roles", dependencies=GOVERNANCE, operation_id="listRoles")
async def list_roles(
    governance: Governance,
    cursor: PageCursor = None,
    limit: PageLimit = 100,
) -> Response[RolePage]:
    """List the role assignments."""
    assignments, more = page_of(governance.assignments, cursor, limit)
    return versioned(
        governance, RolePage(roles=[role_view(each, governance) for each in assignments], next=more)
    )


@get("/roles/{assignment_id:path}", dependencies=GOVERNANCE, operation_id="showRole")
async def show_role(assignment_id: Id, governance: Governance) -> Response[RoleView]:
    """Show one role assignment."""
    assignment_id = id_in(assignment_id)
    found = governance.assignments.get(assignment_id)
    if found is None:
        raise not_found(f"role assignment {assignment_id[:40]!r}")
    return versioned(governance, role_view(found, governance))
