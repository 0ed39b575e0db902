"""The frame of every page: the signed-in user, the navigation, and what waits for the user."""

import msgspec

from assent.gateway.application.findings import open_findings, seen_types
from assent.gateway.application.visibility import sees_all
from assent.gateway.application.waiting_requests import waiting_requests
from assent.gateway.caller import Caller, is_auditor
from assent.gateway.gateway_components import Gateway
from assent.reading.lost_parts import lost_parts
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.roles import holds_role
from assent_contracts.core.governance.state import Governance


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The values for the frame, the same on every page of one caller."""

    id: str
    name: str
    csrf: str
    path: str
    waiting: int
    """Requests that the caller can decide on now."""
    oldest: tuple[RequestView, ...]
    """The two of these that were submitted first, to continue with after a decision."""
    to_complete: int
    """R12: the caller's own approved requests that they can complete now."""
    at: int
    """When the page was rendered, ms. Live events begin there."""
    behind: int
    """Ledger records that the lists do not contain yet."""
    lost: tuple[str, ...]
    """The parts of the log that have lost records that the lists may contain."""
    may_ask: bool
    sees_all: bool
    is_auditor: bool
    sees_findings: bool
    findings: int
    """R28: open findings that the caller may see."""
    is_administrator: bool
    local: bool
    """Signed in by a click, on this machine's demo."""


async def frame_of(gateway: Gateway, caller: Caller, path: str) -> Frame:
    """The frame of a page at `path`."""
    governance = gateway.log.governance
    waits = await waiting_requests(gateway, caller, "approve")
    return Frame(
        id=caller.id,
        name=account_name(governance, caller.id),
        csrf=caller.session.csrf if caller.session else "",
        path=path,
        waiting=waits.number,
        oldest=waits.oldest,
        to_complete=(await waiting_requests(gateway, caller, "complete")).number,
        at=now_ms(),
        behind=gateway.lag.records(),
        lost=tuple(each.place for each in lost_parts(gateway.log.publisher.findings)),
        may_ask=holds_role(governance, caller.id, "requester"),
        sees_all=sees_all(governance, caller.principal),
        is_auditor=is_auditor(caller, gateway),
        sees_findings=seen_types(governance, caller.principal) != [],
        findings=await open_findings(gateway, caller),
        is_administrator=holds_role(governance, caller.id, "administrator"),
        local=gateway.local is not None,
    )


def account_name(governance: Governance, principal: str) -> str:
    """The account's name, or its id if it has no name or is not in governance."""
    found = governance.principals.get(principal)
    return (found.account.name or principal) if found else principal
