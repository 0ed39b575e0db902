"""Findings at targets: those that the caller may see, and how one is closed (R28)."""

from typing import Final

import msgspec

from assent.gateway.application.command_sending import Decision, command_fields, send_command
from assent.gateway.application.requests import read_request_cursor, write_request_cursor
from assent.gateway.application.visibility import SEE_ALL, sees_all
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import not_found, of_refusal
from assent.reading.decidable_requests import received_types
from assent.store.finding_queries import FindingView, count_open_findings, list_findings, show_finding
from assent_contracts.codec import check_fields
from assent_contracts.commands import CloseFinding
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance

COUNT_MAX: Final = 100
"""No more open findings are counted for the navigation."""


class FindingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Findings, the newest report first."""

    findings: list[FindingView]
    next: str | None
    """The `cursor` of the next page; null on the last."""


def seen_types(governance: Governance, principal: Principal) -> list[str] | None:
    """The resource types whose findings this account sees; None for all types.

    They are the types that it administers, audits or approves for.
    """
    if sees_all(governance, principal):
        return None
    kinds = {kind for each in governance.assignments.values() for kind in each.resource_types}
    named = {kind for kind in kinds if any(governance.has_role(principal.id, role, kind) for role in SEE_ALL)}
    return sorted(named | set(received_types(governance, principal.id)))


async def findings_page(
    gateway: Gateway,
    caller: Caller,
    *,
    is_open: bool | None = None,
    resource: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> FindingPage:
    """One page of the findings that the caller may see. Raises Problem."""
    types = seen_types(gateway.log.governance, caller.principal)
    rows = await list_findings(
        gateway.db,
        types=types,
        is_open=is_open,
        resource=resource,
        after=read_request_cursor(cursor),
        limit=limit + 1,
    )
    shown = rows[:limit]
    return FindingPage(
        findings=shown, next=write_request_cursor(shown[-1].cursor) if len(rows) > limit else None
    )


async def find_finding(gateway: Gateway, caller: Caller, finding_id: str) -> FindingView:
    """A finding that the caller may see. Raises Problem: not-found, also for one that it may not see."""
    types = seen_types(gateway.log.governance, caller.principal)
    found = await show_finding(gateway.db, finding_id)
    if found is None or found.id != finding_id or (types is not None and found.resource_type not in types):
        raise not_found(f"finding {finding_id[:40]}")
    return found


async def open_findings(gateway: Gateway, caller: Caller) -> int:
    """How many open findings the caller may see; at most COUNT_MAX are counted."""
    types = seen_types(gateway.log.governance, caller.principal)
    return 0 if types == [] else await count_open_findings(gateway.db, types=types, limit=COUNT_MAX)


async def close_finding(
    gateway: Gateway, caller: Caller, finding_id: str, reason: str, *, idempotency_key: str | None = None
) -> Decision:
    """The decision on closing a finding that the caller may see. Raises Problem."""
    found = await find_finding(gateway, caller, finding_id)
    command = CloseFinding(
        **command_fields(caller, found.resource, idempotency_key), finding=finding_id, reason=reason
    )
    refusal = check_fields(command)
    if refusal is not None:
        raise of_refusal(refusal)
    return await send_command(gateway, command, once=idempotency_key is not None)
