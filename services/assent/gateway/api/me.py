"""GET /api/v1/me: the caller as the gateway knows it, and the token that a session's changes need."""

from typing import Annotated

import msgspec
from litestar import get

from assent.gateway.caller import Caller, How
from assent.gateway.gateway_components import Gateway
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Role


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller in the current governance."""

    principal: str
    person: str | None
    """R9: the person behind the account; null for a service."""
    name: str
    roles: tuple[Role, ...]
    """Those held for at least one resource type."""
    csrf: Annotated[
        str | None,
        msgspec.Meta(
            description="The X-CSRF-Token that changes in this session need; null without a session."
        ),
    ]
    how: How


def roles_of(governance: Governance, principal: str) -> tuple[Role, ...]:
    """The roles that an account holds, itself or through a group, for any resource type."""
    held: set[Role] = {
        each.role
        for each in governance.assignments.values()
        if principal in each.principals or principal in governance.members_of_any(each.groups)
    }
    return tuple(sorted(held))


@get("/me", operation_id="showMe")
async def me(caller: Caller, gateway: Gateway) -> Me:
    """Show the caller, its roles, and how it was authenticated."""
    account = caller.principal.account
    return Me(
        principal=caller.id,
        person=account.person,
        name=account.name,
        roles=roles_of(gateway.log.governance, caller.id),
        csrf=caller.session.csrf if caller.session is not None else None,
        how=caller.how,
    )
