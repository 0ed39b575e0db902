"""A change to governance from a page: what it would do, and sending it the way that it has to go."""

from typing import Any

from litestar import Response

from assent.gateway.api.submissions import checked
from assent.gateway.at_once import change_at_once, works_at_once
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.console.forms import go, see
from assent.gateway.deciding import decide, fields_of
from assent.reading.policy_effects import LISTED_MAX, Effects, effects, type_of_change
from assent.reading.prospects import Prospect, foresee, submission
from assent.store.queries import open_of_type
from assent_contracts.client.publisher import now_ms
from assent_contracts.governance_changes import GovernanceChange


def prospect_of(door: Door, caller: Caller, change: GovernanceChange) -> Prospect:
    """What would become of the change now: nothing is sent."""
    return foresee(door.log.governance, change, caller.id, now_ms())


async def effects_of(door: Door, change: GovernanceChange) -> Effects | None:
    """What the change would make of the requests that are open under its policy; None for other changes."""
    governance = door.log.governance
    kind = type_of_change(change, governance)
    if kind is None:
        return None
    rows, count = await open_of_type(door.db, kind, limit=LISTED_MAX)
    return effects(change, rows, count, governance)


async def carry(
    door: Door, caller: Caller, prospect: Prospect, justification: str, key: str | None, then: str
) -> Response[None]:
    """Send it: as a request where a second administrator must approve, else at once; go on to see it.

    `then`: the page to go on to when it worked at once. Raises Problem.
    """
    needs_approval = prospect.why_approval is not None
    if await works_at_once(door, caller, key, needs_approval=needs_approval):
        await change_at_once(door, caller, prospect.change, key)
        return go(then)
    command = submission(prospect.change, justification, _fields(caller, prospect, key))
    decision = await decide(door, checked(command), once=key is not None)
    return await see(door, decision.position, f"/requests/{decision.request}#done")


def _fields(caller: Caller, prospect: Prospect, key: str | None) -> dict[str, Any]:
    fields = fields_of(caller, prospect.object, key)
    return {name: value for name, value in fields.items() if name != "resource"}
