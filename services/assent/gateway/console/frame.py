"""What stands around every page: who is signed in, where they can go, and what waits for them."""

import msgspec

from assent.gateway.application.visibility import sees_all
from assent.gateway.application.waiting import waiting
from assent.gateway.caller import Caller, is_auditor
from assent.gateway.components import Gateway
from assent.reading.lost import lost_parts
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.state import Governance


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The same on every page of one caller."""

    id: str
    name: str
    csrf: str
    path: str
    waiting: int
    """Requests that the caller can decide on now."""
    oldest: tuple[RequestView, ...]
    """Those two of them that were submitted first: where to go on after a decision on one."""
    to_complete: int
    """R12: approved requests of their own that they can complete now."""
    at: int
    """When the page was made, ms: live events begin there."""
    behind: int
    """Ledger records that the lists do not hold yet."""
    lost: tuple[str, ...]
    """The parts of the log that are less than what the lists may hold of them."""
    may_ask: bool
    sees_all: bool
    is_auditor: bool
    is_administrator: bool
    local: bool
    """Signed in by a click, on this machine's demo."""


async def frame_of(gateway: Gateway, caller: Caller, path: str) -> Frame:
    """The frame of a page at `path`."""
    governance = gateway.log.governance
    waits = await waiting(gateway, caller, "approve")
    return Frame(
        id=caller.id,
        name=name_of(governance, caller.id),
        csrf=caller.session.csrf if caller.session else "",
        path=path,
        waiting=waits.number,
        oldest=waits.oldest,
        to_complete=(await waiting(gateway, caller, "complete")).number,
        at=now_ms(),
        behind=gateway.lag.records(),
        lost=tuple(each.place for each in lost_parts(gateway.log.publisher.findings)),
        may_ask=holds(governance, caller.id, "requester"),
        sees_all=sees_all(governance, caller.principal),
        is_auditor=is_auditor(caller, gateway),
        is_administrator=holds(governance, caller.id, "administrator"),
        local=gateway.local is not None,
    )


def name_of(governance: Governance, principal: str) -> str:
    """The account's name; its id where it has none, or where governance does not know it."""
    found = governance.principals.get(principal)
    return (found.account.name or principal) if found else principal


def holds(governance: Governance, principal: str, role: str) -> bool:
    """Whether the account holds the role for at least one resource type."""
    return any(
        each.role == role
        and (principal in each.principals or principal in governance.members_of_any(each.groups))
        for each in governance.assignments.values()
    )
