"""/groups, /roles and /settings: permissions, and the times and limits for all requests."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get

from assent.gateway.caller import Caller
from assent.gateway.console.pages import page
from assent.gateway.console.policies import people_of
from assent.gateway.gateway_components import Gateway
from assent_contracts.core.governance.groups import is_guarded_group
from assent_contracts.core.governance.roles import GUARDED_ROLES
from assent_contracts.core.governance.settings import setting_text
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Group, RoleAssignment, Settings

MEMBERS_SHOWN_MAX: Final = 200
"""Members of one group that the page lists. For more it shows the number."""


class GroupOnPage(msgspec.Struct, frozen=True, kw_only=True):
    """A group, and what it is used for."""

    group: Group
    members: tuple[str, ...]
    more: int
    people: int
    policies: tuple[str, ...]
    """The names of the policies that it approves for."""
    roles: tuple[str, ...]
    is_guarded: bool
    """Whether a change to its members needs a second administrator."""


class RoleOnPage(msgspec.Struct, frozen=True, kw_only=True):
    """A role, its holders, and its assignments."""

    role: str
    assignments: tuple[RoleAssignment, ...]
    people: tuple[str, ...]
    services: tuple[str, ...]
    is_guarded: bool


@get("/groups", include_in_schema=False)
async def show_groups(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[str]:
    """Every group with its members, and what they decide on through it."""
    governance = gateway.log.governance
    groups = sorted(governance.groups.values(), key=lambda each: (each.name or each.id).casefold())
    return await page(
        request,
        gateway,
        caller,
        "groups.html",
        groups=[_group(each, governance) for each in groups],
        is_enabled=lambda name: governance.principals[name].enabled,
        kind=lambda name: governance.principals[name].account.kind,
    )


@get("/roles", include_in_schema=False)
async def show_roles(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[str]:
    """Every role that is assigned."""
    governance = gateway.log.governance
    names = sorted({each.role for each in governance.assignments.values()})
    return await page(
        request,
        gateway,
        caller,
        "roles.html",
        roles=[_role(name, governance) for name in names],
        group_name=lambda group: (
            (governance.groups[group].name or group) if group in governance.groups else group
        ),
    )


@get("/settings", include_in_schema=False)
async def show_settings(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[str]:
    """The settings in words, each with its meaning."""
    settings = gateway.log.governance.settings
    values = [(name, setting_text(settings, name)) for name in Settings.__struct_fields__]
    return await page(request, gateway, caller, "settings.html", values=values)


def _group(group: Group, governance: Governance) -> GroupOnPage:
    return GroupOnPage(
        group=group,
        members=group.members[:MEMBERS_SHOWN_MAX],
        more=max(0, len(group.members) - MEMBERS_SHOWN_MAX),
        people=len(people_of(governance, (group.id,))),
        policies=tuple(
            policy.name
            for policy in governance.policies.values()
            if any(group.id in rule.groups for rule in policy.approvals)
        ),
        roles=tuple(
            dict.fromkeys(each.role for each in governance.assignments.values() if group.id in each.groups)
        ),
        is_guarded=is_guarded_group(governance, group.id),
    )


def _role(role: str, governance: Governance) -> RoleOnPage:
    assignments = tuple(each for each in governance.assignments.values() if each.role == role)
    holders = sorted(
        {name for each in assignments for name in (*each.principals, *governance.members_of_any(each.groups))}
    )
    humans = tuple(name for name in holders if governance.principals[name].person is not None)
    return RoleOnPage(
        role=role,
        assignments=assignments,
        people=humans,
        services=tuple(name for name in holders if name not in humans),
        is_guarded=role in GUARDED_ROLES,
    )
