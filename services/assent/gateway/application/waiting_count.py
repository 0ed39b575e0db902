"""What waits for a caller. Its numbers are on every page, and are counted again only after a change."""

from typing import Final

from assent.gateway.application.requests import View, list_of
from assent.gateway.caller import Caller
from assent.gateway.components import Gateway
from assent.reading.requests import state_of_row
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import Action
from assent_contracts.core.requests.permissions import is_possible
from assent_contracts.events import Status

WAITING_MAX: Final = 100
"""No more are counted: who has a hundred requests has the list."""


async def waiting_count(gateway: Gateway, caller: Caller) -> int:
    """How many requests the caller can approve now, of at most WAITING_MAX."""
    return await _count(gateway, caller, "approve")


async def completion_count(gateway: Gateway, caller: Caller) -> int:
    """R12: how many of their own approved requests the caller can complete now, of at most WAITING_MAX."""
    return await _count(gateway, caller, "complete")


async def _count(gateway: Gateway, caller: Caller, action: Action) -> int:
    # Before the tables are read: what moves in the meantime makes another version.
    version = (gateway.lag.moves, gateway.log.governance.seq, gateway.log.signs_for(caller.id))
    key, now = f"{action} {caller.id}", now_ms()
    known = gateway.waiting.known(key, version, now)
    if known is None:
        known = len(await waiting_requests(gateway, caller, action))
        gateway.waiting.keep(key, version, now, known)
    return known


async def waiting_requests(gateway: Gateway, caller: Caller, action: Action) -> list[RequestView]:
    """The requests on which the caller's action would be accepted now, the oldest first."""
    view, status = _lists(action)
    found = await list_of(gateway, caller, view, statuses=[status], oldest_first=True, limit=WAITING_MAX)
    governance, now, through = gateway.log.governance, now_ms(), gateway.log.signs_for(caller.id)
    states = ((row, state_of_row(row)) for row in found.requests)
    return [
        row
        for row, state in states
        if state is not None
        and is_possible(action, state, governance, caller.principal, now, through=through)
    ]


def _lists(action: Action) -> tuple[View, Status]:
    return ("mine", "approved") if action == "complete" else ("received", "needs_approval")
