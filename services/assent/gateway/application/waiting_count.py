"""How many requests wait for a caller: the number on every page, counted again only after a change."""

from typing import Final

from assent.gateway.application.requests import list_of
from assent.gateway.caller import Caller
from assent.gateway.components import Gateway
from assent.reading.requests import state_of_row
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.requests.permissions import is_possible

WAITING_MAX: Final = 100
"""No more are counted: who has a hundred requests has the list."""


async def waiting_count(gateway: Gateway, caller: Caller) -> int:
    """How many requests the caller can approve now, of at most WAITING_MAX."""
    governance, now, through = gateway.log.governance, now_ms(), gateway.log.signs_for(caller.id)
    # Before the tables are read: what moves meanwhile makes another version.
    version = (gateway.lag.moves, governance.seq, through)
    known = gateway.waiting.known(caller.id, version, now)
    if known is not None:
        return known
    found = await list_of(gateway, caller, "received", statuses=["needs_approval"], limit=WAITING_MAX)
    states = (state_of_row(row) for row in found.requests)
    number = sum(
        state is not None
        and is_possible("approve", state, governance, caller.principal, now, through=through)
        for state in states
    )
    gateway.waiting.keep(caller.id, version, now, number)
    return number
