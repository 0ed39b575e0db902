"""What waits for a caller. It is on every page, and is computed again only after a change."""

from typing import Final

from assent.gateway.application.requests import View, list_of
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.waiting_counts import Waiting
from assent.reading.request_rows import state_of_row
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import Action
from assent_contracts.core.requests.permissions import is_possible
from assent_contracts.events import Status

WAITING_MAX: Final = 100
"""No more are counted. A caller with a hundred uses the list."""
_OLDEST: Final = 2
"""Two, because the page of one request names another one."""


async def waiting_requests(gateway: Gateway, caller: Caller, action: Action) -> Waiting:
    """The requests on which the caller's action would be accepted now, of at most WAITING_MAX."""
    through, now = gateway.log.signs_for(caller.id), now_ms()
    # Taken before the tables are read: a change in the meantime then gives another version.
    version = (gateway.lag.moves, gateway.log.governance.seq, through)
    key = f"{action} {caller.id}"
    known = gateway.waiting.known(key, version, now)
    if known is not None:
        return known
    view, status = _list(action)
    found = await list_of(gateway, caller, view, statuses=[status], oldest_first=True, limit=WAITING_MAX)
    governance = gateway.log.governance
    states = ((row, state_of_row(row)) for row in found.requests)
    rows = [
        row
        for row, state in states
        if state is not None
        and is_possible(action, state, governance, caller.principal, now, through=through)
    ]
    new = Waiting(len(rows), tuple(rows[:_OLDEST]))
    gateway.waiting.keep(key, version, now, new)
    return new


def _list(action: Action) -> tuple[View, Status]:
    return ("mine", "approved") if action == "complete" else ("received", "needs_approval")
