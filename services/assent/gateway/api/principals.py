"""GET /api/v1/principals: the accounts, the people behind them, and their permissions."""

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
from assent.gateway.api.me import roles_of
from assent.gateway.problems import not_found
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import to_base64url
from assent_contracts.governance_objects import Account, Role


class PrincipalView(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of an account."""

    account: Account
    enabled: bool
    vanished: bool
    """Disabled because the directory no longer has it."""


class PrincipalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts, in the order of their ids."""

    principals: list[PrincipalView]
    next: str | None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs for the account. Times are in ms since 1970."""

    id: str
    public_key: str
    not_before: int
    not_after: int
    revoked: bool


class ShownPrincipal(msgspec.Struct, frozen=True, kw_only=True):
    """An account with its groups, roles and keys."""

    account: Account
    enabled: bool
    vanished: bool
    groups: list[str]
    roles: tuple[Role, ...]
    keys: list[KeyView]


def _view(principal: Principal) -> PrincipalView:
    return PrincipalView(account=principal.account, enabled=principal.enabled, vanished=principal.vanished)


def _keys(governance: Governance, principal: str) -> list[KeyView]:
    return [
        KeyView(
            id=name,
            public_key=to_base64url(key.public_key),
            not_before=key.not_before,
            not_after=key.not_after,
            revoked=key.revoked,
        )
        for name, key in governance.keys.items()
        if key.principal == principal
    ]


@get("/principals", dependencies=GOVERNANCE, operation_id="listPrincipals")
async def list_principals(
    governance: Governance,
    cursor: PageCursor = None,
    limit: PageLimit = 100,
) -> Response[PrincipalPage]:
    """List the accounts."""
    found, more = page_of(governance.principals, cursor, limit)
    return versioned(governance, PrincipalPage(principals=[_view(each) for each in found], next=more))


@get("/principals/{principal_id:path}", dependencies=GOVERNANCE, operation_id="showPrincipal")
async def show_principal(principal_id: Id, governance: Governance) -> Response[ShownPrincipal]:
    """Show one account with its groups, roles and keys."""
    principal_id = id_in(principal_id)
    found = governance.principals.get(principal_id)
    if found is None:
        raise not_found(f"principal {principal_id[:40]!r}")
    shown = ShownPrincipal(
        account=found.account,
        enabled=found.enabled,
        vanished=found.vanished,
        groups=sorted(group for group in governance.groups if principal_id in governance.members(group)),
        roles=roles_of(governance, principal_id),
        keys=_keys(governance, principal_id),
    )
    return versioned(governance, shown)
