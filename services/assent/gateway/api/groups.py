"""GET /api/v1/groups: the members of each group, and where the group is used."""

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
from assent_contracts.core.governance.satisfiability import approver_groups
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import group_object
from assent_contracts.governance_objects import Group, Source


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """A group in a list."""

    id: str
    name: str
    members: int
    source: Source
    version: int


class GroupPage(msgspec.Struct, frozen=True, kw_only=True):
    """Groups, in the order of their ids."""

    groups: list[GroupView]
    next: str | None


class ShownGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group with its members, the policies that name it, and the roles that it has."""

    group: Group
    version: int
    policies: list[str]
    assignments: list[str]


def group_view(group: Group, governance: Governance) -> GroupView:
    """A group as a list shows it."""
    return GroupView(
        id=group.id,
        name=group.name,
        members=len(group.members),
        source=group.source,
        version=version_of(governance, group_object(group.id)),
    )


@get("/groups", dependencies=GOVERNANCE, operation_id="listGroups")
async def list_groups(
    governance: Governance,
    cursor: PageCursor = None,
    limit: PageLimit = 100,
) -> Response[GroupPage]:
    """List the groups."""
    groups, more = page_of(governance.groups, cursor, limit)
    return versioned(
        governance, GroupPage(groups=[group_view(each, governance) for each in groups], next=more)
    )


@get("/groups/{group_id:path}", dependencies=GOVERNANCE, operation_id="showGroup")
async def show_group(group_id: Id, governance: Governance) -> Response[ShownGroup]:
    """Show one group with its members, and where it is used."""
    group_id = id_in(group_id)
    found = governance.groups.get(group_id)
    if found is None:
        raise not_found(f"group {group_id[:40]!r}")
    shown = ShownGroup(
        group=found,
        version=version_of(governance, group_object(group_id)),
        policies=sorted(
            each.id for each in governance.policies.values() if group_id in approver_groups(each)
        ),
        assignments=sorted(each.id for each in governance.assignments.values() if group_id in each.groups),
    )
    return versioned(governance, shown)
